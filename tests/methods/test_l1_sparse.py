"""L1-sparse: the penalty fades."""

import pytest

import kit
from kit.methods import l1_sparse
from kit.training import History, cross_entropy


def test_the_penalty_fades_from_epoch_to_epoch(original, task, monkeypatch):
    """gamma (1 - t / 4) in epochs t = 0..3; 180 images make two steps of 90 an epoch."""
    found = []

    def spy(model, split, recipe, *, loss, after_step, **options):
        x, y = split.inputs()[:8], split.y[:8]
        theta = sum(p.detach().abs().sum().item() for p in model.eval().parameters())
        for step in range(1, 9):
            found.append((loss(model, x, y) - cross_entropy()(model, x, y)).item() / theta)
            after_step(step)
        return History(loss=[0.0])

    monkeypatch.setattr(l1_sparse, "fit", spy)
    kit.unlearn("l1_sparse", original, task, gamma=0.1, epochs=4, batch_size=90)
    assert found == pytest.approx([0.1, 0.1, 0.075, 0.075, 0.05, 0.05, 0.025, 0.025], rel=1e-4)

"""Selective synaptic dampening: by hand; only shrinks, within a bound."""

import pytest
import torch

import kit
from kit.methods import access, ssd
from tests.conftest import same


def test_batches_measure_something_else(original, task):
    """The square of a batch's mean gradient: smaller, and another for another order."""
    by_batch = ssd.Config(importance="batch", batch_size=20)
    shuffled = task.retain.take(torch.randperm(len(task.retain)))
    image, batch, again = (
        sum(v.sum() for v in ssd.importances(original, images, config).values())
        for images, config in ((task.retain, ssd.Config()), (task.retain, by_batch),
                               (shuffled, by_batch))
    )  # fmt: skip
    assert batch < image and again < image
    assert abs(again - batch) > 0.01 * batch


def test_dampening_only_shrinks_and_the_ratio_is_bounded(original, task):
    out = kit.unlearn("ssd", original, task, alpha=2.0).model
    for before, after in zip(original.parameters(), out.parameters(), strict=True):
        assert (after.abs() <= before.abs()).all() and (after * before >= 0).all()
    share = len(task.forget) / len(task.train)  # a quarter: no ratio exceeds 4
    assert same(original, kit.unlearn("ssd", original, task, alpha=1 / share + 1e-3).model)
    batches = {"importance": "batch", "batch_size": 20}  # of both parts, shuffled: no such bound
    assert not same(
        original, kit.unlearn("ssd", original, task, alpha=1 / share + 1e-3, **batches).model
    )


def test_dampening_by_hand(task, monkeypatch):
    """alpha 2, lambda 1/2: of ratios I_f / I_d of 1, 2, 4 and 10 the last two are chosen, and times
    1/8 and 1/20."""
    model = torch.nn.Linear(4, 1, bias=False)
    torch.nn.init.ones_(model.weight)
    importances = {"weight": torch.tensor([[1.0, 2.0, 4.0, 10.0]])}, {"weight": torch.ones(1, 4)}
    monkeypatch.setattr(ssd, "importances", lambda *_: importances[0])
    monkeypatch.setattr(ssd, "importances_of_all", lambda *_: importances[1])
    view = access.TaskView(task, access.Needs(retain="all", forget="all"), 0)
    history = ssd.ssd(model, view, ssd.Config(alpha=2.0, dampening=0.5), seed=0)
    assert model.weight.tolist() == [pytest.approx([1.0, 1.0, 1 / 8, 1 / 20])]
    assert history == {"dampened": [0.5]}

"""SCRUB: its losses by hand; the student moves, the teacher stays; rewinding."""

import math

import pytest
import torch
from torch import nn

import kit
from kit.methods import scrub
from tests.conftest import same


class Always(nn.Module):
    """Says the same of every image."""

    def __init__(self, *logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, x):
        return self.logits.expand(len(x), -1)


def test_losses_by_hand():
    """KL(teacher || student) of (1/2, 1/2) and (1/4, 3/4) is log 2 - log(3) / 2."""
    teacher, student = Always(0.0, 0.0), Always(0.0, math.log(3))
    x, y = torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.long)
    kl, ce = math.log(2) - math.log(3) / 2, math.log(4)
    config = scrub.Config(alpha=0.5, gamma=3.0, temperature=1.0)
    assert scrub.away(teacher, config)(student, x, y).item() == pytest.approx(-kl, abs=1e-6)
    down = scrub.towards(teacher, config)(student, x, y).item()
    assert down == pytest.approx(0.5 * kl + 3 * ce, abs=1e-6)


def test_rewind_returns_the_state_whose_error_fits(task):
    """States that call everything class 0, 1, 2: right on .6, .3, .1 of the forgotten images. The
    last is right on .35 of the unseen ones, and so the second fits."""
    forgotten = task.train.take(torch.tensor([0, 1, 2, 3, 4, 5, 60, 61, 62, 120]))
    unseen = task.train.take(torch.tensor([*range(6, 19), *range(121, 128)]))
    model = Always(0.0, 0.0, 0.0, 0.0)
    saved = scrub._Checkpoints(model, steps=1)
    for step in (0, 1, 2):
        with torch.no_grad():
            model.logits.copy_(torch.eye(4)[step])
        saved(step + 1)
    saved.rewind(forgotten, unseen)
    assert model.logits.argmax() == 1


def test_scrub_moves_the_student_and_not_the_teacher(original, task, monkeypatch):
    teachers = []
    towards = scrub.towards

    def spy(teacher, config):
        teachers.append(teacher)
        return towards(teacher, config)

    monkeypatch.setattr(scrub, "towards", spy)
    out = kit.unlearn("scrub", original, task, epochs=2, max_epochs=1, batch_size=32).model
    assert all(same(original, teacher) for teacher in teachers) and teachers
    moved = [n for n, p in out.named_parameters() if not torch.equal(p, original.get_parameter(n))]
    assert len(moved) == len(list(original.parameters()))


def test_scrub_rewinds_to_the_epoch_that_fits(original, data):
    rows = range(0, 240)
    held = [r for r in rows if r % 10 == 0]
    trained_on = [r for r in rows if r % 10]
    asked = trained_on[::9]
    task = kit.tasks.forget_samples(data, asked, within=trained_on)
    assert task.validation.rows.tolist() == held
    options = {"epochs": 3, "max_epochs": 2, "batch_size": 32, "max_lr": 5e-3}
    last = kit.unlearn("scrub", original, task, **options).model
    unseen = kit.datasets.split.same_mix(task.validation, task.forget)

    def right(model, split):
        return kit.metrics.accuracy(kit.predict(model, split), split.y)

    back = kit.unlearn("scrub", original, task, rewind=True, **options).model
    goal = right(last, unseen)
    assert abs(right(back, task.forget) - goal) <= abs(right(last, task.forget) - goal)
    everything = kit.tasks.forget_samples(data, asked)
    with pytest.raises(ValueError, match="within=rows"):
        kit.unlearn("scrub", original, everything, rewind=True)

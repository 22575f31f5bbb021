"""SCRUB: the student moves, the teacher stays; rewinding."""

import pytest
import torch

import kit
from tests.conftest import same


def test_scrub_moves_the_student_and_not_the_teacher(original, task, monkeypatch):
    from kit.methods import scrub

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

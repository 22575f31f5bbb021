"""Who trains on what and forgets what."""

import pytest
import torch

from kit import shadows


def test_plan_of_halves(data):
    plan = shadows.halves(data, shadows=6, per_class=40, targets_per_class=10, forget=8)
    labels = data.train_y[plan.pool]
    for row in plan.trained:
        assert torch.bincount(labels[row]).tolist() == [20, 20, 20, 20]
    assert (plan.forget.sum(1) == 8).all() and not (plan.forget & ~plan.trained).any()
    assert not (plan.unlearned & plan.never).any()
    request = plan.task(2)
    assert len(request.train) == 80 and len(request.forget) == 8 and len(request.retain) == 72
    assert len(plan.target_images()) == plan.targets.sum() == 40

    plan = shadows.halves(data, shadows=4, per_class=40, classes=[1])
    assert (plan.unlearned ^ plan.never).all()  # each target was forgotten or never seen
    assert plan.task(0).forget.y.unique().tolist() == [1]
    for wrong, message in (
        ({"per_class": 61}, "per_class"),
        ({"shadows": 3}, "need 4 to"),
        ({"forget": 50}, "quarter"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            shadows.halves(data, **{"per_class": 40, "targets_per_class": 10, "forget": 8} | wrong)


def test_plan_of_repeats(task):
    plan = shadows.repeats(task, shadows=3)
    assert torch.equal(plan.task(0).forget.rows, task.forget.rows)
    assert torch.equal(plan.task(2).retain.rows, task.retain.rows)
    assert plan.unlearned.all()

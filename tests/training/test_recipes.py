"""Schedules of the learning rate."""

import math

import pytest
import torch

from kit.training import schedule_factor


@pytest.mark.parametrize("steps", [8, 40, 640])
def test_onecycle_is_torch_s(steps):
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        theirs, 0.4, total_steps=steps, pct_start=0.25, cycle_momentum=False
    )
    for step in range(steps):
        ours = 0.4 * schedule_factor("onecycle", step, steps)
        assert theirs.param_groups[0]["lr"] == pytest.approx(ours, abs=1e-12)
        theirs.step()
        if step < steps - 1:
            schedule.step()


def test_schedules_of_few_steps():
    assert schedule_factor("onecycle", 0, 1) == 1.0
    assert [schedule_factor("onecycle", s, 4) for s in (0, 3)] == [1.0, pytest.approx(4e-6)]
    assert [schedule_factor("cosine", s, 4) for s in range(4)] == pytest.approx(
        [1.0, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]
    )
    assert schedule_factor("constant", 3, 4) == 1.0

"""Boundary shrinking and expanding."""

import pytest

import kit
from kit.methods import boundary_shrink


def test_boundary_says_when_its_step_does_not_leave_the_class(original, task):
    with pytest.warns(UserWarning, match="raise epsilon"):
        labels, left = boundary_shrink.neighbours(
            original, task.forget, boundary_shrink.Config(epsilon=1e-4)
        )
    assert left < 0.1 and (labels != 1).all()  # the truth is left out all the same
    far = boundary_shrink.Config(epsilon=0.3, exclude_truth=False)
    labels, left = boundary_shrink.neighbours(original, task.forget, far)
    assert left >= 0.6 and (labels != 1).double().mean() == pytest.approx(left)


def test_boundary_expand_ends_with_the_outputs_it_began_with(original, task):
    out = kit.unlearn(
        "boundary_shrink", original, task, variant="expand", lr=0.01, batch_size=32
    ).model
    assert out.head.weight.shape == original.head.weight.shape
    assert kit.evaluate(out, task)["forget_accuracy"] < 0.5

"""Boundary shrinking and expanding."""

import pytest
import torch

import kit
from kit.datasets.split import Split
from kit.methods import boundary_shrink

MEAN, STD = torch.tensor([0.5]), torch.tensor([0.25])


class Nearest(torch.nn.Module):
    """Of images of one pixel: classes 0 to 3 at 0, 0.3, 0.6 and beyond all pixels, at 5."""

    places = torch.tensor([0.0, 0.3, 0.6, 5.0])

    def forward(self, x):
        return -100 * (x.flatten(1) * STD + MEAN - self.places) ** 2


@pytest.mark.parametrize(
    "epsilon, labels",
    [
        (0.06, [2, 1]),  # 0.40 -> 0.46 and 0.50 -> 0.44, on both sides of the boundary at 0.45
        (10.0, [2, 0]),  # -> 1 and 0: class 3 is out of reach
    ],
)
def test_steps_by_hand(epsilon, labels):
    """Pixels 0.4 of class 1 and 0.5 of class 2; a neighbour may be another class to forget."""
    pixels = torch.tensor([102, 128], dtype=torch.uint8).view(2, 1, 1, 1)
    split = Split(pixels, torch.tensor([1, 2]), torch.arange(2), MEAN, STD, 4, "forget")
    for exclude_truth in (True, False):
        config = boundary_shrink.Config(epsilon=epsilon, exclude_truth=exclude_truth)
        found, left = boundary_shrink.neighbours(Nearest(), split, config)
        assert found.tolist() == labels and left == 1.0


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

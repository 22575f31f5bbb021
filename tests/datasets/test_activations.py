"""Maps of a layer in the place of images."""

import pytest
import torch

import kit
from kit.datasets import Activations


def maps(train, test):
    labels = torch.tensor([0, 1, 0, 1])
    return Activations("maps", train, labels, test, labels, ["a", "b"])


def test_maps_are_taken_as_they_are():
    x = torch.randn(4, 7, 2, 3, generator=torch.Generator().manual_seed(0)) * 30
    data = maps(x, x + 1)
    task = kit.tasks.forget_classes(data, [1])
    assert torch.equal(task.train.inputs(), x) and torch.equal(task.test.inputs(), x + 1)
    assert "7x2x3" in repr(data)
    assert isinstance(data.thinned(0.5), Activations) and len(data.thinned(0.5).train_y) == 2
    assert isinstance(data.held_out(0.5), Activations)


def test_what_no_maps_are():
    x = torch.randn(4, 7, 1, 1)
    for wrong in (x.double(), x[:, :, 0], x.to(torch.uint8)):
        with pytest.raises(ValueError, match="training activations must be float32"):
            maps(wrong, x)
    with pytest.raises(ValueError, match="test activations contain NaN"):
        maps(x, x / 0 - x / 0)
    with pytest.raises(ValueError, match="activations have no other size"):
        maps(x, x).resized(1)

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


def test_the_source_stands_for_the_maps_in_the_fingerprint():
    """The last digits of maps differ from machine to machine, what they were made of does not."""
    x, labels = torch.randn(4, 7, 1, 1), torch.tensor([0, 0, 1, 1])

    def made(source, x=x, y=labels):
        return Activations("maps", x, y, x, labels, ["a", "b"], source=source)

    same = made("images below head")
    assert same.fingerprint == made("images below head", x + 1e-6).fingerprint
    others = [made("images below top"), made("images below head", y=1 - labels), made("")]
    others += [made("", x + 1e-6), same.thinned(0.5), same.thinned(0.5, seed=1), same.held_out(0.5)]
    others += [same.held_out(0.5, seed=1)]
    assert len({data.fingerprint for data in [same, *others]}) == 1 + len(others)


def test_without_a_source_fewer_maps_have_a_fingerprint_of_their_own():
    x = torch.randn(4, 7, 1, 1)
    data = maps(x, x)
    first, again = data.thinned(0.5), maps(x, x).thinned(0.5)
    assert not first.source and first.fingerprint == again.fingerprint
    assert len({d.fingerprint for d in (data, first, data.thinned(0.5, seed=1))}) == 3

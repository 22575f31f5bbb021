"""Images as tensors: what is refused, what is held out, what is left out."""

import pytest
import torch

import kit


@pytest.mark.parametrize(
    "change, message",
    [
        ({"train_x": torch.full((4, 1, 8, 8), float("nan"))}, "4 of the training.*NaN"),
        ({"train_x": torch.full((4, 1, 8, 8), 2.0)}, r"must lie in \[0, 1\]"),
        ({"train_x": torch.zeros(4, 8, 8)}, "must be uint8"),
        ({"train_y": torch.tensor([0, 1, 0])}, "one label per image"),
        ({"train_y": torch.tensor([0, 1, 2, 7]), "classes": ["a", "b"]}, "0..1.*found 0..7"),
        ({"train_y": torch.tensor([0, 1, 0, -1]), "classes": ["a", "b"]}, "found -1..1"),
        ({"test_x": torch.zeros(2, 1, 9, 9)}, "both must agree"),
        ({"test_x": torch.zeros(0, 1, 8, 8), "test_y": torch.zeros(0), "classes": ["a", "b"]},
         "no test"),
    ],
)  # fmt: skip
def test_refuses_tensors(change, message):
    good = {
        "train_x": torch.rand(4, 1, 8, 8), "train_y": torch.tensor([0, 1, 0, 1]),
        "test_x": torch.rand(2, 1, 8, 8), "test_y": torch.tensor([0, 1]),
    }  # fmt: skip
    kit.datasets.from_tensors("good", **good)
    with pytest.raises(ValueError, match=message):
        kit.datasets.from_tensors("bad", **good | change)


def test_held_out_images_are_training_images(data):
    held = data.held_out(0.25)
    assert held.name == "toy-held-out" and held.num_classes == data.num_classes
    assert held.test_y.bincount().tolist() == [15] * 4 and len(held.train_y) == 180
    known = {x.numpy().tobytes() for x in data.train_x}
    ours, theirs = ({x.numpy().tobytes() for x in part} for part in (held.train_x, held.test_x))
    assert ours | theirs == known and not ours & theirs
    with pytest.raises(ValueError, match="leaves no image"):
        data.held_out(0.0)


def test_a_thinned_set_keeps_its_test_images(data):
    thin = data.thinned(0.25)
    assert thin.name == "toy-60" and thin.train_y.bincount().tolist() == [15] * 4
    assert torch.equal(thin.test_x, data.test_x)
    known = {x.numpy().tobytes() for x in data.train_x}
    assert {x.numpy().tobytes() for x in thin.train_x} <= known
    for wrong in (0.0, 1.5, 1e-9):
        with pytest.raises(ValueError, match="between 0 and 1|no training images"):
            data.thinned(wrong)

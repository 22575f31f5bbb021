"""Images as tensors: what is refused, what is held out, what is left out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import kit

X, Y = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8), torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_x": torch.zeros(4, 1, 8, 8)}, "must be uint8 .*Tensor of torch.float32"),
        ({"train_x": np.zeros((4, 1, 8, 8), np.uint8)}, "must be uint8.*got ndarray of uint8"),
        ({"train_x": X[:, 0]}, r"must be uint8 .*\(4, 8, 8\).*x\[:, None\] gives grey images"),
        ({"train_x": X.new_ones(4, 3, 8, 8)}, "largest value of the training images is 1 of 255"),
        ({"test_x": X.expand(4, 5, 8, 8)}, r"test images .* 1, 3 or 4 channels.*\(4, 5, 8, 8\)$"),
        ({"test_x": X.permute(0, 2, 3, 1)}, "test images .*they have their channels last"),
        ({"test_x": X[:, :, 1:, 1:]}, "both must agree"),
        ({"test_x": X[:0], "test_y": Y[:0]}, "there are no test images"),
        ({"train_y": Y.int()}, "training labels must be int64.*labels torch.int32"),
        ({"train_y": Y + 1}, "training labels must lie in 0..1 .2 classes., found 1..2"),
        ({"classes": ["a", "a"]}, "several classes are called 'a'"),
        ({"train_files": ("one",)}, "1 files for 4 training images"),
        ({"test_files": ("one",)}, "1 files for 4 test images"),
        ({"given_statistics": ([0.5], [0])}, "a standard deviation must be above 0"),
    ],
)  # fmt: skip
def test_refuses(change, message):
    good = {"train_x": X, "train_y": Y, "test_x": X, "test_y": Y, "classes": ["a", "b"]}
    kit.datasets.ImageData("good", **good)
    with pytest.raises(ValueError, match=message):
        kit.datasets.ImageData("bad", **good | change)


def test_files_go_with_their_images(data):
    files = tuple(f"{row}.png" for row in range(240))
    known = replace(data, train_files=files)
    assert known.fingerprint == data.fingerprint
    for part in (known.held_out(0.25), known.thinned(0.25)):
        rows = [int(file[:-4]) for file in part.train_files]
        assert torch.equal(part.train_x, data.train_x[rows])
    held = known.held_out(0.25)
    rows = [int(file[:-4]) for file in held.test_files]
    assert len(rows) == 60 and torch.equal(held.test_x, data.train_x[rows])
    assert data.held_out(0.25).train_files == data.thinned(0.25).train_files == ()
    tests = tuple(f"test {row}.png" for row in range(len(data.test_y)))
    assert replace(data, test_files=tests).thinned(0.25).test_files == tests


def test_given_statistics_stay_whatever_becomes_of_the_images(data):
    given = replace(data, given_statistics=([0.25], [0.5]))
    changed = (given, given.thinned(0.25), given.held_out(0.25), given.resized(6))
    for kept in changed:
        assert [part.tolist() for part in kept.statistics] == [[0.25], [0.5]]
    assert given.fingerprint == data.fingerprint


@pytest.mark.parametrize("at", [0, 3])
def test_one_bright_pixel_makes_bytes(at, monkeypatch):
    monkeypatch.setattr(kit.datasets.mapped, "CHUNK", 1)  # an image at a time
    x = torch.ones(4, 1, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match="largest value of the training images is 1"):
        kit.datasets.ImageData("dark", x, Y, X, Y, ["a", "b"])
    x[at, 0, 7, 7] = 2
    kit.datasets.ImageData("dark", x, Y, X, Y, ["a", "b"])


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


def test_smaller_pictures_are_means_of_areas():
    x = torch.tensor([[0, 100, 10, 30], [100, 200, 30, 50], [7, 7, 1, 1], [7, 7, 2, 2]])
    x = x.to(torch.uint8)[None, None].repeat(2, 3, 1, 1)
    labels = torch.tensor([0, 1])
    data = kit.datasets.ImageData("four", x, labels, x, labels, ["a", "b"])
    small = data.resized(2)
    assert small.name == "four-2px" and small.train_x[1, 2].tolist() == [[100, 30], [7, 2]]
    assert torch.equal(small.test_x, small.train_x) and small.train_x.dtype == torch.uint8
    assert torch.equal(data.resized(np.int64(4)).train_x, x)
    for side in (0, -1, 5):
        with pytest.raises(
            ValueError, match=f"4 pixels cannot be made {side} wide: a side is 1 to 4"
        ):
            data.resized(side)
    for side in (1.5, 2.0, "2", True, None):
        with pytest.raises(ValueError, match="a side is a whole number of pixels, got "):
            data.resized(side)


def test_oblong_pictures_are_not_squashed():
    x, labels = X.expand(4, 3, 8, 8), torch.tensor([0, 1, 0, 1])
    flat = kit.datasets.ImageData("flat", x[:, :, :2], labels, x[:, :, :2], labels, ["a", "b"])
    with pytest.raises(ValueError, match="pictures of 8 x 2 pixels would be squashed: cut squares"):
        flat.resized(1)

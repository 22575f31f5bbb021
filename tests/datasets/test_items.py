"""What other libraries yield, as pictures and classes."""

import numpy as np
import pytest
import torch
from PIL import Image

from kit.datasets.items import as_picture, items

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(PIXELS),
        PIXELS,
        PIXELS.astype(np.int64),
        PIXELS.transpose(2, 0, 1),
        torch.from_numpy(PIXELS),
        torch.from_numpy(PIXELS).permute(2, 0, 1),
        torch.from_numpy(PIXELS).permute(2, 0, 1).float() / 255,
        torch.from_numpy(PIXELS).permute(2, 0, 1).double() / 255,
        (PIXELS / 255).astype(np.float16).astype(np.float32),
    ],
)
def test_every_form_is_the_same_picture(image):
    assert np.array_equal(as_picture(image), PIXELS)


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (5, 7, 1)])
def test_one_channel(shape):
    grey = PIXELS[..., 0].reshape(shape)
    for image in (grey, torch.from_numpy(grey)):
        assert np.array_equal(as_picture(image), PIXELS[..., 0])


def test_where_both_ends_may_be_channels_tensors_have_them_first():
    values = np.arange(3 * 4 * 3, dtype=np.uint8).reshape(3, 4, 3)
    assert np.array_equal(as_picture(values), values)
    assert np.array_equal(as_picture(torch.from_numpy(values)), values.transpose(1, 2, 0))


def test_a_picture_stays_as_it_is():
    picture = Image.fromarray(PIXELS)
    as_picture(picture).putpixel((0, 0), (0, 0, 0))
    assert np.array_equal(picture, PIXELS)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("a.png", "must be of Pillow, a tensor or an array, got builtins.str"),
        (np.zeros((5, 5, 2)), r"must have 1, 3 or 4 channels, got shape \(5, 5, 2\)"),
        (np.zeros(5), r"has two or three dimensions, got shape \(5,\)"),
        (np.zeros((0, 3)), r"two or three dimensions, got shape \(0, 3\)"),
        (
            np.full((5, 5), 1.5),
            r"floats must lie in \[0, 1\], found \[1.5, 1.5\]; leave out a norm",
        ),
        (np.full((5, 5), -1.0), r"floats must lie in \[0, 1\]"),
        (np.full((5, 5), np.nan), r"floats must lie in \[0, 1\]"),
        (np.full((5, 5), 256), r"whole numbers must lie in \[0, 255\]"),
        (np.zeros((5, 5), bool), "pixels must be numbers, got bool"),
    ],
)
def test_refuses_what_is_no_picture(image, message):
    with pytest.raises(ValueError, match=message):
        as_picture(image)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (PIXELS, "must be a pair of image and label, got numpy.ndarray"),
        ((PIXELS,), "must be a pair"),
        ({"image": PIXELS, "label": 0}, "must be a pair"),
        ((PIXELS, 0.5), "a label must be a whole number, got builtins.float"),
        ((PIXELS, torch.tensor([0, 1])), "a label must be a whole number, got torch.Tensor"),
        ((PIXELS, True), "a label must be a whole number, got builtins.bool"),
        ((PIXELS, -1), "its label is -1, as of a set whose classes are not told"),
        (("a.png", 0), "must be of Pillow"),
    ],
)
def test_refuses_other_items(item, message):
    with pytest.raises(ValueError, match=f"item 0 of the test set cannot be used: .*{message}"):
        items("test", [item], None, None).pair(0)


def test_an_item_that_cannot_be_had_is_named():
    class Failing(list):
        def __getitem__(self, at):
            raise OSError("the disk is gone")

    with pytest.raises(ValueError, match="item 2 of the test set cannot be used: the disk is gone"):
        items("test", Failing([1, 2, 3]), None, None).pair(2)


def test_labels_of_every_kind():
    for label in (3, np.int64(3), torch.tensor(3), np.array(3)):
        assert items("test", [(PIXELS, label)], None, None).pair(0)[1] == 3


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield PIXELS, 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Stream(), "must have a length and items by number, got .*Stream; of a stream take"),
        (iter([(PIXELS, 0)]), "must have a length and items by number"),
        (None, "must have a length and items by number"),
        ([], "the test set is empty"),
        ({"train": [1], "test": [2]}, "holds several parts, train, test: pass one of them"),
    ],
)
def test_refuses_what_is_no_data_set(source, message):
    with pytest.raises(ValueError, match=message):
        items("test", source, None, None)

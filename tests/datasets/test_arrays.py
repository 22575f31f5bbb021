"""Arrays as they are given: what is taken, and how the others are told."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import kit

QUICK = settings(max_examples=150, deadline=None, derandomize=True, database=None)
X, Y = torch.arange(4 * 64).view(4, 1, 8, 8), torch.tensor([0, 1, 0, 1])
BYTES = X.numpy().astype(np.uint8)


def made(**change):
    good = {"train_x": X, "train_y": Y, "test_x": X[:2], "test_y": Y[:2]}
    return kit.datasets.from_tensors("mine", **good | change)


@pytest.mark.parametrize(
    "x",
    [
        np.flip(BYTES[:, :, ::-1].copy(), 2), BYTES.astype(">u2"), X.tolist(), list(X),
        X.to(torch.uint16), BYTES / 255, X.double() / 255, BYTES / np.longdouble(255),
    ],
    ids=["turned", "big-endian", "lists", "tensors", "uint16", "floats", "doubles", "longdoubles"],
)  # fmt: skip
def test_images_in_any_number_format(x):
    assert torch.equal(made(train_x=x).train_x, X.to(torch.uint8))


@pytest.mark.parametrize(
    "y",
    [[0, 1, 0, 1], np.array([0, 1, 0, 1], np.uint8), pd.Series([0, 1, 0, 1], index=[9, 8, 7, 6])],
)
def test_labels_in_any_holder(y):
    data = made(train_y=y)
    assert torch.equal(data.train_y, Y) and data.classes == ["0", "1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_x": torch.full((4, 1, 8, 8), float("nan"))}, "4 of the training.*NaN"),
        ({"train_x": X.float()}, r"floating-point training images must lie in \[0, 1\].*0, 255"),
        ({"train_x": X.float() / 100 - 1}, r"must lie in \[0, 1\], found \[-1, 1.55\]"),
        ({"train_x": X * 257}, r"whole-number.*\[0, 255\], found.*6.55e\+04\]; .*65535 of 16"),
        ({"train_x": X - 1}, r"whole-number training images must lie in \[0, 255\], found \[-1,"),
        ({"train_x": torch.zeros(4, 8, 8)}, "must be uint8.*gives grey images their channel"),
        ({"train_x": torch.zeros(4)}, r"must be uint8.*\(4,\)"),
        ({"train_x": X * 1j}, "training images must be numbers, got torch.complex64"),
        ({"train_x": [["a"]]}, "training images must be numbers, got <U1"),
        ({"train_x": [[1], [1, 2]]}, "training images are no array: .*inhomogeneous"),
        ({"train_x": (X > 99).long()}, "largest value of the training images is 1 of 255: were"),
        ({"train_x": X / 255 / 255}, "largest value of the training images is 1 of 255"),
        ({"test_x": X[2:] // 255}, "largest value of the test images is 1"),
        ({"train_x": X.permute(0, 2, 3, 1)}, r"1, 3 or 4 channels, got shape \(4, 8, 8, 1\); they "
         r"have their channels last: permute them by \(0, 3, 1, 2\)"),
        ({"train_x": X.expand(4, 2, 8, 8)}, r"1, 3 or 4 channels, got shape \(4, 2, 8, 8\)$"),
        ({"train_x": X.view(4, 1, 4, 16)}, r"\(1, 4, 16\) but test images \(1, 8, 8\)"),
        ({"train_y": torch.tensor([0, 1, 0])}, "one label per image"),
        ({"train_y": [0.0, 1.0, 0.0, 1.0]}, "training labels must be whole numbers .*float64 "),
        ({"train_y": torch.rand(4, 2)}, "whole numbers.*of soft labels take the argmax"),
        ({"train_y": torch.eye(2).long()[Y]}, "whole numbers .*take the argmax"),
        ({"train_y": Y[:, None]}, r"got torch.int64 \(4, 1\); take the column, y\[:, 0\]"),
        ({"train_y": Y.bool()}, "whole numbers .*got torch.bool"),
        ({"train_y": 3}, r"whole numbers .*got torch.int64 \(\)"),
        ({"train_y": ["cat", "dog", "cat", "dog"]}, "training labels must be numbers, got <U3"),
        ({"train_y": [0, 1, 0, -1]}, "training labels must lie in 0..1 .*found -1..1"),
        ({"train_y": [0, 1, 0, 10**9]}, "label 1000000000 is no class: number the classes from 0"),
        ({"train_y": [0, 1, 2, 7], "classes": ["a", "b"]}, "0..1.*found 0..7"),
        ({"test_x": X[:0], "test_y": []}, "there are no test images"),
        ({"train_x": X[:0], "train_y": [], "test_x": X[:0], "test_y": []}, "no training images"),
        ({"classes": "ab"}, "classes must be a list of names, got 'ab'"),
        ({"classes": {0: "a", 1: "b"}}, "classes must be a list of names, got {0"),
        ({"classes": ["cafe\u0301", "caf\u00e9"]}, "several classes are called 'café'"),
    ],
)  # fmt: skip
def test_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        made(**change)


@QUICK
@given(st.data())
def test_any_labels_are_taken_as_meant_or_refused(draw):
    kinds = arrays.integer_dtypes() | arrays.unsigned_integer_dtypes()
    kinds |= arrays.floating_dtypes() | arrays.boolean_dtypes() | arrays.complex_number_dtypes()
    shape = draw.draw(st.sampled_from([(4,), (4,), (4, 1), (4, 2), (3,), (0,), ()]))
    y = draw.draw(arrays.arrays(draw.draw(kinds), shape))
    if draw.draw(st.booleans()):  # labels as they may be
        y = (draw.draw(arrays.arrays(np.uint8, shape)) % 4).astype(y.dtype)
    try:
        data = made(train_y=y)
    except ValueError:
        assert y.shape != (4,) or y.dtype.kind not in "ui" or y.min() < 0 or y.max() >= 10**6
    else:
        assert y.dtype.kind in "ui" and data.train_y.tolist() == y.tolist()


@QUICK
@given(st.data())
def test_any_images_are_taken_as_meant_or_refused(draw):
    kinds = arrays.integer_dtypes() | arrays.unsigned_integer_dtypes() | arrays.floating_dtypes()
    shape = (4, *draw.draw(st.lists(st.integers(0, 4), min_size=2, max_size=4)))
    x = draw.draw(arrays.arrays(draw.draw(kinds), shape))
    try:
        data = made(train_x=x, test_x=x, test_y=Y)
    except ValueError:
        return
    assert data.train_x.shape == shape and shape[1] in (1, 3, 4)
    scale = 255 if x.dtype.kind == "f" else 1
    assert np.abs(data.train_x.numpy() - x.astype(float) * scale).max() <= 0.51

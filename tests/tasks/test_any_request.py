"""Whatever is asked for is taken as meant, however it is written, or refused in a sentence."""

import re
import unicodedata
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.datasets import from_tensors
from kit.tasks import forget_classes, forget_files, forget_samples

QUICK = settings(max_examples=150, deadline=None, derandomize=True, database=None)
NAMES = ["2", "0", "1", "crème", "Dog"]  # numbers as names, and not in their order
ROWS = 20
PIXELS = torch.arange(ROWS * 16).view(ROWS, 1, 4, 4) % 256
LABELS = torch.arange(ROWS) % len(NAMES)
DATA = from_tensors("sweets", PIXELS, LABELS, PIXELS, LABELS, NAMES)
FILES = tuple(f"/pictures/train/{NAMES[row % 5]}/{row // 5}.png" for row in range(ROWS))
READ = replace(DATA, name="read", train_files=FILES)

HOLDERS = {
    "list": list, "tuple": tuple, "set": set, "generator": iter, "numpy": np.array,
    "numpy of bytes": lambda i: np.array(i, np.uint8), "torch": torch.tensor, "pandas": pd.Index,
    "numpy numbers": lambda i: [np.int32(k) for k in i],
    "torch numbers": lambda i: [torch.tensor(k) for k in i],
    "keys": lambda i: dict.fromkeys(i).keys(),
}  # fmt: skip
ONE = (
    st.none() | st.booleans() | st.integers() | st.integers(-2, ROWS) | st.floats() | st.text()
    | st.sampled_from(NAMES) | st.binary(max_size=3) | st.complex_numbers() | st.fractions()
)  # fmt: skip
ANYTHING = st.recursive(
    ONE,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner)
    | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
) | st.lists(st.booleans(), min_size=ROWS, max_size=ROWS)  # fmt: skip


# --- classes


@QUICK
@given(st.sets(st.integers(0, 4), min_size=1, max_size=4), st.sampled_from(sorted(HOLDERS)))
def test_classes_by_index_in_any_holder(classes, holder):
    task = forget_classes(DATA, HOLDERS[holder](sorted(classes)))
    assert task.forget_classes == sorted(classes)


@QUICK
@given(st.data())
def test_classes_by_name_index_or_both(draw):
    classes = draw.draw(st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True))
    form = draw.draw(st.sampled_from(["NFC", "NFD"]))
    named = [
        unicodedata.normalize(form, NAMES[c]) if draw.draw(st.booleans()) else c for c in classes
    ]
    assert forget_classes(DATA, named).forget_classes == sorted(classes)


@QUICK
@given(ANYTHING)
def test_any_classes_are_taken_as_meant_or_refused(asked):
    try:
        task = forget_classes(DATA, asked)
    except ValueError:
        return
    named = asked if isinstance(asked, list | tuple) else [asked]
    meant = [NAMES.index(c) if isinstance(c, str) else c for c in named]
    assert not any(isinstance(c, bool) for c in named) and task.forget_classes == sorted(meant)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("0,1", "no class called '0,1'"),
        (" DOG", "no class called ' DOG'; close to it: Dog$"),
        (torch.tensor(1.0), "whole numbers, got 1.0"),
        (torch.tensor([1.0], dtype=torch.bfloat16), "whole numbers, got 1.0"),
        ([Fraction(1)], "whole numbers, got Fraction"),
        ([[0, 1]], r"whole numbers, got \[0, 1\]"),
        ([torch.tensor([0, 1])], "whole numbers, got tensor"),
        (pd.DataFrame({"class": [1]}), r"must be a list, got an array of shape \(1, 1\)"),
        ([5, 2**70], "do not exist: sweets has classes 0..4"),
    ],
)
def test_refuses_classes(classes, message):
    with pytest.raises(ValueError, match=message):
        forget_classes(DATA, classes)


@pytest.mark.parametrize("forgotten", ["Dog", 4, np.array([4]), {"Dog"}, torch.tensor([4])])
def test_classes_that_were_forgotten_earlier_are_in_no_split(forgotten):
    task = forget_classes(DATA, "crème", forgotten=forgotten, within=range(0, ROWS, 2))
    for split in (task.train, task.retain, task.test, task.test_retain, task.validation):
        assert 4 not in split.y
    assert set(task.validation.rows.tolist()) == {r for r in range(1, ROWS, 2) if r % 5 != 4}


@pytest.mark.parametrize("none", [(), [], set(), np.array([], int), torch.tensor([]).long()])
def test_nothing_was_forgotten_earlier(none):
    assert len(forget_classes(DATA, 0, forgotten=none).train) == ROWS
    assert len(forget_samples(DATA, 0, forgotten=none).train) == ROWS


# --- rows


@QUICK
@given(
    st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS - 1),
    st.sampled_from([*sorted(HOLDERS), "mask", "torch mask", "list of bools"]),
)
def test_rows_by_index_or_mask_in_any_holder(rows, holder):
    mask = [row in rows for row in range(ROWS)]
    masks = {"mask": np.array(mask), "torch mask": torch.tensor(mask), "list of bools": mask}
    asked = masks[holder] if holder in masks else HOLDERS[holder](sorted(rows))
    task = forget_samples(DATA, asked)
    assert task.forget.rows.tolist() == sorted(rows) and len(task.retain) == ROWS - len(rows)


@QUICK
@given(st.lists(st.booleans(), min_size=ROWS, max_size=ROWS))
def test_within_is_a_mask_or_the_same_as_indices(mask):
    rows = [row for row, seen in enumerate(mask) if seen]
    try:
        task = forget_classes(DATA, 1, within=torch.tensor(mask))
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            forget_classes(DATA, 1, within=rows)
        return
    assert task.train.rows.tolist() == rows
    assert task.fingerprint == forget_classes(DATA, 1, within=rows).fingerprint


@QUICK
@given(ANYTHING)
def test_any_rows_are_taken_as_meant_or_refused(asked):
    try:
        task = forget_samples(DATA, asked)
    except ValueError:
        return
    named = list(asked) if isinstance(asked, list | tuple) else [asked]
    if all(isinstance(row, bool) for row in named):
        named = [row for row, wanted in enumerate(named) if wanted]
    assert not any(isinstance(row, bool) for row in named)
    assert task.forget.rows.tolist() == sorted(named)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (None, "indices must be indices, a mask or names, got None"),
        (["Dog"], "indices must be whole numbers, got 'Dog'"),
        ([float("nan")], "whole numbers, got nan"),
        ({3: True}, "indices, a mask or names, got {3: True}"),
        ([2**70], "indices must lie in 0..19, got"),
        ([1, 0] * 10, "indices holds an index more than once; a mask must be of bools"),
        (np.ones((20, 1), bool), r"must be a list, got an array of shape \(20, 1\)"),
    ],
)
def test_refuses_rows(rows, message):
    with pytest.raises(ValueError, match=message):
        forget_samples(DATA, rows)


@pytest.mark.parametrize("none", [[], torch.zeros(ROWS, dtype=torch.bool)])
def test_refuses_that_nothing_was_trained_on(none):
    for asked in (forget_classes, forget_samples):
        with pytest.raises(ValueError, match="within names no image: nothing was trained on"):
            asked(DATA, 0, within=none)


def test_images_that_were_forgotten_earlier_are_not_of_the_others():
    task = forget_samples(DATA, [3], forgotten=[1, 15], within=range(10))
    assert 15 not in task.validation.rows and 1 not in task.train.rows
    with pytest.raises(ValueError, match="forgetting all 2 images leaves nothing"):
        forget_samples(DATA, [0, 1], forgotten=range(2, ROWS))


# --- files


def test_images_by_the_files_they_were_read_from():
    assert forget_files(READ, FILES[7]).forget.rows.tolist() == [7]
    assert forget_files(READ, Path("Dog", "3.png")).forget.rows.tolist() == [19]
    decomposed = unicodedata.normalize("NFD", "train/crème/0.png")
    task = forget_files(READ, [decomposed, "2/0.png"], forgotten=[1], within=range(10))
    assert task.forget.rows.tolist() == [0, 3] and 1 not in task.train.rows
    assert READ.fingerprint == DATA.fingerprint


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("cat/0.png", "no training image of read was read from 'cat/0.png'"),
        ("0.png", "'0.png' may be any of 5 training images: give more of its path"),
        ("og/0.png", "no training image of read was read from 'og/0.png'"),
        ("", "no training image of read was read from ''"),
        (["Dog/0.png", "train/Dog/0.png"], "more than once"),
        (3, "files must be paths, got 3"),
        ([None], "files must be paths, got None"),
        ([], "indices is empty"),
    ],
)
def test_refuses_files(files, message):
    with pytest.raises(ValueError, match=message):
        forget_files(READ, files)


def test_data_that_come_from_no_files():
    with pytest.raises(ValueError, match="sweets does not know its files: name images by their"):
        forget_files(DATA, "Dog/0.png")

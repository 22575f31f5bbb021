"""A request means what it says, in whatever it is held; anything else is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kit

QUICK = settings(max_examples=80, deadline=None, derandomize=True)


def pictures(classes=("cat", "dog", "2", "café")):
    y = torch.arange(3 * len(classes)) % len(classes)
    x = torch.randint(0, 256, (len(y), 1, 4, 4), generator=torch.Generator().manual_seed(0))
    x = x.to(torch.uint8)
    return kit.datasets.from_tensors("four", x, y, x, y, list(classes))


DATA = pictures()
ROWS = len(DATA.train_y)


@pytest.mark.parametrize(
    "asked, found",
    [
        ("dog", [1]), (["dog", "cat"], [0, 1]), ("2", [2]), (2, [2]), ([1, "2"], [1, 2]),
        (np.int32(3), [3]), (torch.tensor(3), [3]), (torch.tensor([3, 0]), [0, 3]),
        (np.array([3, 0]), [0, 3]), ({0, 1}, [0, 1]), (range(2), [0, 1]), (iter([1]), [1]),
        (pd.Index([2, 1]), [1, 2]), (pd.Series(["dog"]), [1]), ("cafe\u0301", [3]),
    ],
)  # fmt: skip
def test_classes_by_name_and_index(asked, found):
    assert kit.tasks.forget_classes(DATA, asked).forget_classes == found


@pytest.mark.parametrize(
    "asked, sentence",
    [
        ("Dog", "no class called 'Dog'; close to it: dog"), ("1", "no class called '1'"),
        ("", "no class called ''"), ([2.0], "whole numbers, got 2.0"), ([True], "got True"),
        (np.array([True, False, True, False]), "whole numbers, got True"), (1.5, "got 1.5"),
        ([-1], "do not exist"), ([4], "do not exist"), ([1, 1], "more than once"),
        (["dog", 1], "more than once"), ([], "name at least one class"), (None, "got None"),
        ({"dog": 1}, "must be indices, a mask or names"), (b"dog", "must be indices"),
        (torch.tensor([[1]]), "an array of shape .1, 1."), ([None], "whole numbers, got None"),
        (range(4), "leaves nothing to retain"),
    ],
)  # fmt: skip
def test_what_names_no_class_is_refused(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        kit.tasks.forget_classes(DATA, asked)


MASK = torch.arange(ROWS) < 5


@pytest.mark.parametrize(
    "asked",
    [
        MASK, MASK.numpy(), MASK.tolist(), range(5), [4, 3, 2, 1, 0], {0, 1, 2, 3, 4},
        np.arange(5, dtype=np.uint8), torch.arange(5, dtype=torch.int16), iter(range(5)),
        pd.Index(range(5)),
    ],
)  # fmt: skip
def test_images_by_index_and_mask(asked):
    task = kit.tasks.forget_samples(DATA, asked)
    assert task.forget.rows.tolist() == [0, 1, 2, 3, 4] and len(task.retain) == ROWS - 5


@pytest.mark.parametrize(
    "asked, sentence",
    [
        (MASK[:-1], f"a mask of {ROWS - 1} entries for {ROWS} images"),
        ([True, 2], "whole numbers, got True"), ([0.0], "got 0.0"),
        (torch.tensor([0.5]), "got 0.5"), ([-1], r"must lie in 0\.\.11, got -1"),
        ([ROWS], r"must lie in 0\.\.11, got 12"), ([1, 1], "more than once"), ("3", "got '3'"),
        ([], "nothing to forget"), (torch.zeros(ROWS, dtype=torch.bool), "nothing to forget"),
        (range(ROWS), "leaves nothing to retain"), (np.zeros((2, 2), int), "an array of shape"),
    ],
)  # fmt: skip
def test_what_names_no_image_is_refused(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        kit.tasks.forget_samples(DATA, asked)


def test_within_is_read_in_the_same_way():
    for within in (MASK, MASK.numpy(), range(5), [0, 1, 2, 3, 4]):
        assert len(kit.tasks.forget_samples(DATA, 0, within=within).train) == 5
        assert len(kit.tasks.forget_classes(DATA, 0, within=within).train) == 5
    for within, sentence in (
        ([0.5], "within must be whole"), ([1, 1], "within holds an index"),
        (MASK[1:], "within is a mask"), ([-1], "within must lie"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=sentence):
            kit.tasks.forget_classes(DATA, 0, within=within)


def test_images_that_are_forgotten_already_are_in_no_split():
    task = kit.tasks.forget_samples(DATA, [1], forgotten=[0, 5], within=range(8))
    splits = (task.train, task.forget, task.retain, task.validation)
    assert [s.rows.tolist() for s in splits] == [
        [1, 2, 3, 4, 6, 7], [1], [2, 3, 4, 6, 7], [8, 9, 10, 11],
    ]  # fmt: skip
    assert kit.tasks.forget_samples(DATA, [1], forgotten=[0]).validation is None
    with pytest.raises(ValueError, match="forgotten already"):
        kit.tasks.forget_samples(DATA, [1], forgotten=[1])


@pytest.mark.parametrize("count", [0, -3, ROWS + 1, 2.5, "3"])
def test_random_rows_of_no_number(count):
    with pytest.raises(ValueError, match=r"count must lie in 1\.\.12 images"):
        kit.tasks.random_rows(DATA, count)


anything = st.one_of(
    st.integers(-3, 15), st.floats(allow_nan=True), st.booleans(), st.text(max_size=4), st.none()
)


@QUICK
@given(st.one_of(anything, st.lists(anything, max_size=6)))
def test_any_request_for_classes_is_taken_as_meant_or_refused(asked):
    try:
        task = kit.tasks.forget_classes(DATA, asked)
    except ValueError as error:
        assert len(str(error)) < 300
        return
    meant = asked if isinstance(asked, list) else [asked]
    assert {DATA.classes[c] for c in task.forget_classes} == {
        m if isinstance(m, str) else DATA.classes[m] for m in meant
    }
    assert not any(isinstance(m, bool | float) for m in meant)


@QUICK
@given(st.lists(anything, max_size=13))
def test_any_request_for_images_is_taken_as_meant_or_refused(asked):
    try:
        rows = kit.tasks.forget_samples(DATA, asked).forget.rows.tolist()
    except ValueError as error:
        assert len(str(error)) < 300
        return
    is_mask = all(isinstance(a, bool) for a in asked)
    assert rows == ([i for i, a in enumerate(asked) if a] if is_mask else sorted(asked))


@QUICK
@given(st.lists(st.one_of(st.integers(-2, 5), st.floats(-2, 5)), min_size=ROWS, max_size=ROWS))
def test_any_labels_are_taken_as_meant_or_refused(labels):
    try:
        data = kit.datasets.from_tensors(
            "x", DATA.train_x, labels, DATA.test_x, DATA.test_y, DATA.classes
        )
    except ValueError:
        assert any(isinstance(v, float) or not 0 <= v < 4 for v in labels)
        return
    assert data.train_y.tolist() == labels

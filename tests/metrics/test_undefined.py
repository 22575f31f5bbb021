"""A row keeps its other numbers, and its reader learns why some are NaN."""

import math

import pytest

from kit.metrics.undefined import Undefined, explained, number, or_nan


def refuse():
    raise Undefined("there are too few images")


def row():
    with explained():
        return {"a": 1.0} | or_nan(["b", "c"], refuse) | number("d", refuse) | number("e", inner)


def inner():
    with explained():  # of a row inside a row nothing is said twice
        return number("f", refuse)["f"]


def test_what_is_undefined_is_nan_and_one_warning_says_why():
    with pytest.warns(UserWarning) as told:
        found = row()
    assert found["a"] == 1 and all(math.isnan(found[name]) for name in "bcde")
    assert [str(w.message) for w in told] == [
        "NaN in this row: b, c, d, f (there are too few images)"
    ]
    assert told[0].filename == __file__


def test_other_faults_are_no_missing_numbers():
    def broken():
        raise ValueError("the model is broken")

    with pytest.raises(ValueError, match="the model is broken"), explained():
        number("a", broken)
    assert math.isnan(number("a", refuse)["a"])  # alone it is silent

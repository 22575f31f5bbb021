"""What is folded from accuracies."""

import pytest
import torch

import kit
from kit import metrics


def test_average_gap():
    names = ["forget", "retain", "test", "attack"]
    ours = dict(zip(names, [7, 99, 93, 20], strict=True))
    theirs = dict(zip(names, [5, 100, 94, 13], strict=True))
    assert metrics.average_gap(ours, theirs) == 2.75
    ours = dict(zip(names, [100, 99.5, 93, 100], strict=True))
    theirs = dict(zip(names, [100, 100, 94.5, 100], strict=True))
    assert metrics.average_gap(ours, theirs) == 0.5
    with pytest.raises(ValueError, match="same metrics"):
        metrics.average_gap(ours, {"forget": 1.0})


def test_tug_of_war():
    ours, theirs = {"a": 0.1, "b": 0.52, "c": 0.95}, {"a": 0.0, "b": 0.5, "c": 0.9}
    assert metrics.tug_of_war(ours, theirs) == pytest.approx(0.8379)
    assert metrics.tug_of_war(ours, ours) == 1
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        metrics.tug_of_war({"a": 93.0}, {"a": 94.0})


def test_gaps_to_nan_or_to_nothing_are_refused():
    for gap in (kit.metrics.average_gap, kit.metrics.tug_of_war):
        with pytest.raises(ValueError, match="is NaN"):
            gap({"accuracy": torch.nan}, {"accuracy": 0.5})
        with pytest.raises(ValueError, match="is NaN"):
            gap({"accuracy": 0.5}, {"accuracy": torch.nan})
        with pytest.raises(ValueError, match="same metrics"):
            gap({"accuracy": 0.5}, {"recall": 0.5})
        with pytest.raises(ValueError, match="same metrics"):
            gap({}, {})

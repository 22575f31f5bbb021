"""Figures of records say in words what they show."""

import pandas as pd
import pytest

import kit
from kit.plots import pareto_front

RUNS = pd.DataFrame(
    [(arm, task, value + 0.1 * seed, 2 * value)
     for arm, value in (("original", 0.5), ("retrain", 0.25), ("unsir", 0.125))
     for task in ("class:1", "class:2") for seed in (0, 1)],
    columns=["arm", "task", "leak", "seconds"],
)  # fmt: skip


def front(points, columns=("x", "y")):
    return pareto_front(pd.DataFrame(points, index=list(columns)).T, "x", "y")


def test_the_front_is_what_no_other_beats():
    assert front({"a": [1, 3], "b": [2, 2], "c": [3, 1], "d": [3, 3]}) == ["a", "b", "c"]
    assert front({"a": [1, 1], "b": [2, 2]}) == ["a"]
    assert front({"alone": [5, 5]}) == ["alone"]


def test_what_equals_the_front_is_not_on_it():
    assert front({"a": [1, 2], "same y": [2, 2], "same x": [1, 3]}) == ["a"]


def test_what_was_not_measured_is_not_on_the_front():
    nan = float("nan")
    assert front({"a": [1, nan], "b": [nan, 1], "c": [2, 2]}) == ["c"]
    assert front({"a": [nan, nan]}) == []


def test_the_front_is_that_of_all_pairs():
    points = {str(i): [(7 * i) % 11, (5 * i) % 13] for i in range(11)}

    def beaten(name):
        x, y = points[name]
        others = [point for other, point in points.items() if other != name]
        return any(a <= x and b <= y for a, b in others)

    assert set(front(points)) == {name for name in points if not beaten(name)}


def test_dots_name_every_arm_of_every_group(shown):
    kit.plots.dots(RUNS, "leak", label="leak of members")
    (alt,) = shown
    assert alt.startswith("leak of members")
    for name in ("class:1, original: 0.550", "class:2, retrain: 0.300", "class:1, unsir: 0.175"):
        assert name in alt


def test_panels_name_every_metric_and_arm(shown):
    kit.plots.panels(RUNS, {"leak": "leak of members", "seconds": "time"}, line="original")
    (alt,) = shown
    for name in ("leak of members: original 0.550", "unsir 0.175", "time: original 1.000"):
        assert name in alt


def test_a_trade_off_names_its_axes_and_front():
    rows = RUNS.groupby("arm")[["leak", "seconds"]].mean()
    fig, alt = kit.plots.trade_off(rows, "leak", "seconds", labels=("leak", "time"), log=True)
    assert alt == "time over leak. Beaten by none in both: unsir."
    names = fig.axes[0].texts
    assert [name.get_text() for name in names] == ["original", "retrain", "unsir"]
    boxes = [name.get_window_extent() for name in names]
    assert not any(box.overlaps(other) for box in boxes for other in boxes if box is not other)


def test_shares_name_every_piece(shown):
    counts = pd.DataFrame({"reproduced": [2, 0], "partly": [1, 3]}, index=["one", "two"])
    kit.plots.shares(counts, label="claims")
    assert shown == ["Numbers of claims. one: 2 reproduced, 1 partly; two: 0 reproduced, 3 partly"]


@pytest.mark.parametrize("band", [None, (0.0, 1.0)])
def test_intervals_name_every_row(shown, band):
    rows = pd.DataFrame({"mean": [0.5, 1.0], "low": [0.25, float("nan")],
                         "high": [0.75, float("nan")]}, index=["a", "b"])  # fmt: skip
    kit.plots.intervals(rows, label="gap", band=band)
    (alt,) = shown
    assert "gap" in alt and "a: 0.5 [0.25, 0.75]" in alt and "b: 1" in alt


def test_a_request_has_the_names_of_its_classes():
    names = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal"]
    for task, label in (
        ("class:3", "dress"), ("class:2+5", "pullover + sandal"), ("sample:1000", "1,000 images"),
        ("class:0+1+2+3+4", "5 classes"), ("feature:glyph", "glyph"),
    ):  # fmt: skip
        assert kit.plots.request_label(task, names) == label

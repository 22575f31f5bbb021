"""``kit.choose``: who can serve, in which order, and the first line."""

import contextlib
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from kit.experiments import choose as module
from kit.experiments.choose import choose, retraining_minutes
from kit.experiments.evidence import evidence
from kit.methods.registry import names
from kit.training import Recipe


@pytest.mark.parametrize("level", ["class", "sample", "feature"])
def test_every_method_of_the_level_has_a_row(level):
    assert sorted(choose(level).table.index) == names(level)


@pytest.mark.parametrize("retain, forget", [(1, 1), (0.3, 1), (0.3, 0)])
def test_serving_then_steady_then_changed_inside_then_nearest(retain, forget):
    table = choose("class", retain=retain, forget=forget).table
    keys = [
        (not row["serves"], row["collapsed"] > 0, row["untouched"] is True,
         np.inf if np.isnan(row["gap"]) else row["gap"])
        for _, row in table.iterrows()
    ]  # fmt: skip
    assert keys == sorted(keys)


def test_the_first_line_says_that_nothing_comes_as_close_as_retraining():
    choice = choose("class", minutes=7)
    assert choice.first_line.startswith(
        "Retraining takes about 7 minutes here; no method below came as close to it for less."
    )
    best = choice.table.drop(index="retrain").iloc[0]
    assert f"{best.name}, {100 * best['gap']:.1f} points from retraining" in choice.first_line
    assert best["gap"] > choice.yardstick


def test_the_first_line_names_a_method_that_is_as_close_and_cheaper(monkeypatch):
    def closer(*args):
        seen = evidence("class", records="comparison")
        seen.loc["unsir", "gap"] = seen["gap"]["retrain"] / 2
        return seen

    monkeypatch.setattr(module, "evidence", closer)
    assert "unsir came as close to it as a second retraining" in choose("class").first_line


def test_what_changed_nothing_inside_does_not_beat_retraining(monkeypatch):
    def closer(*args):
        seen = evidence("class", records="comparison")
        seen.loc["logit_mask", "gap"] = 0.0
        return seen

    monkeypatch.setattr(module, "evidence", closer)
    assert "no method below came as close to it for less" in choose("class").first_line


def test_the_first_line_says_where_the_seeds_cannot_tell():
    clear, unclear = choose("class"), choose("class", records="comparison_cifar10")
    best = [c.table.drop(index="retrain").iloc[0] for c in (clear, unclear)]
    assert best[0]["gap_low"] > clear.yardstick and best[1]["gap_low"] < unclear.yardstick
    assert "cannot tell" not in clear.first_line
    assert unclear.first_line.endswith("; 3 seeds cannot tell the two apart.")


def test_one_seed_gives_no_yardstick():
    choice = choose("class", records="tuning")
    assert np.isnan(choice.yardstick) and choice.shown["gap"]["retrain"] == "one seed"
    assert "one seed cannot tell" in choice.first_line
    assert choice.table["cost"]["retrain"] == 1
    json.dumps(choice.to_dict(), allow_nan=False)


def test_a_method_that_costs_as_much_as_retraining_does_not_beat_it(monkeypatch):
    def closer(*args):
        seen = evidence("class", records="comparison")
        seen.loc["unsir", "gap"] = 0.0
        seen.loc["unsir", "passes"] = 1.01 * seen["passes"]["retrain"]
        return seen

    monkeypatch.setattr(module, "evidence", closer)
    assert "no method below came as close to it for less" in choose("class").first_line


def test_the_first_line_says_that_retraining_is_out_of_reach():
    assert choose("class", retain=0).first_line.startswith(
        "Retraining cannot serve: it needs all of the retained images (0 % are left)."
    )
    assert "only a part of the retained images" in choose("class", retain=0.5).first_line
    assert "the budget is 2" in choose("class", budget=2).first_line


def test_a_method_with_fewer_images_than_were_measured_has_no_record():
    choice = choose("class", retain=0.05)
    row = choice.table.loc["erwp"]
    assert row["serves"] and row["settings"] == {"amount": "5 %"} and np.isnan(row["gap"])
    assert choice.shown["gap"]["erwp"] == "no record"
    assert "erwp can serve with amount='5 %': no record." in choice.notes


def test_the_recipe_decides_what_retraining_costs(task):
    short, long = (choose(task, recipe=Recipe(epochs=n)).table for n in (8, 80))
    share = len(task.retain) / len(task.train)
    assert long["passes"]["retrain"] == pytest.approx(80 * share)
    assert long["cost"]["unsir"] == pytest.approx(short["cost"]["unsir"] / 10)
    assert long["cost"]["retrain"] == 1


def test_minutes_follow_the_passes():
    table = choose("class", minutes=30).table
    expected = 30 * table["passes"] / table["passes"]["retrain"]
    assert table["minutes"]["retrain"] == 30
    pd.testing.assert_series_equal(table["minutes"], expected, check_names=False)


def test_retraining_is_timed_by_a_few_steps_on_a_copy(task, original, monkeypatch):
    @contextlib.contextmanager
    def watch():
        yield SimpleNamespace(seconds=3.0)

    monkeypatch.setattr(module, "paused", watch)
    before = {k: v.clone() for k, v in original.state_dict().items()}
    recipe = Recipe(epochs=5, batch_size=16)
    minutes = retraining_minutes(original, task, recipe)
    images = 16 * module.STEPS
    assert minutes == pytest.approx(3.0 / images * len(task.retain) * 5 / 60)
    assert all(torch.equal(v, before[k]) for k, v in original.state_dict().items())
    assert choose(task, original, recipe=recipe).minutes == pytest.approx(minutes)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"retain": 1.1}, "retain is a share"),
        ({"forget": -0.1}, "forget is a share"),
        ({"retain": float("nan")}, "retain is a share"),
        ({"budget": -1}, "budget must not be negative"),
        ({"minutes": 0}, "minutes must be positive"),
    ],
)
def test_wrong_settings_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        choose("class", **options)


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="task must be one of class, sample, feature"):
        choose("client")


def test_where_nothing_can_serve_the_nearest_says_what_it_lacks():
    with pytest.raises(ValueError, match="nearest, .*, needs .* of the retained images .0 %"):
        choose("sample", retain=0, forget=0)
    with pytest.raises(ValueError, match="nearest, bad_teacher, takes 0.74 passes"):
        choose("sample", budget=0.1)


@pytest.mark.parametrize("level", ["class", "sample", "feature"])
def test_it_reads_in_a_terminal_of_80_columns(level):
    text = str(choose(level, minutes=0.5))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("Retraining takes about 30 seconds here")
    assert "100%" in text


def test_it_is_json_and_a_page():
    choice = choose("class", retain=0.05)
    said = json.loads(json.dumps(choice.to_dict(), allow_nan=False))
    by_name = {row["method"]: row for row in said["methods"]}
    assert by_name["erwp"]["gap"] is None
    assert by_name["logit_mask"]["relearning"] == "inf"
    assert said["first_line"] == choice.first_line
    assert "<table" in choice._repr_html_() and "no record" in choice._repr_html_()

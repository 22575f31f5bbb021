"""Lines and cells say in words what they show."""

import sys

import pandas as pd
import pytest
import torch

import kit


def test_a_matrix_names_each_row_s_highest_column(shown):
    values = torch.tensor([[0.0, 1.0, 0.5], [3.0, 1.0, 2.0]])
    kit.plots.matrix(values, ["first", "second"], label="score", columns="channel")
    assert shown == ["score of 3 channels. Highest for first: channel 1; second: channel 0."]


def test_heat_names_every_cell_that_is_there(shown):
    table = pd.DataFrame({"relearn": [0.25, float("nan")], "probe": [1.0, 0.5]},
                         index=["unsir", "ssd"])  # fmt: skip
    kit.plots.heat(table, label="what is left")
    assert shown == ["what is left. unsir: relearn 0.25, probe 1.00; ssd: probe 0.50."]


def test_heat_writes_the_numbers_and_colours_by_others(monkeypatch):
    drawn, module = [], sys.modules["kit.plots.curves"]  # kit.plots.curves is the function
    monkeypatch.setattr(module, "show", lambda fig, alt: drawn.append((fig, alt)))
    table = pd.DataFrame({"accuracy": [0.75, 0.5], "flip rate": [0.25, 0.5]}, index=["a", "b"])
    away = (table - table.loc["b"]).abs()
    kit.plots.heat(table, colour=away.loc[["b", "a"]], label="white: as b", high=0.5)
    ((fig, alt),) = drawn
    assert alt.startswith("white: as b. a: accuracy 0.75, flip rate 0.25; b:")
    cells = fig.axes[0].collections[0]
    assert cells.get_array().flatten().tolist() == [0.25, 0.25, 0.0, 0.0]
    assert [text.get_text() for text in fig.axes[0].texts] == ["0.75", "0.25", "0.50", "0.50"]


def test_roc_says_what_each_attack_finds(shown):
    lines = {"strong": ([0.0, 0.01, 1.0], [0.0, 0.5, 1.0]), "weak": ([0.0, 1.0], [0.0, 1.0])}
    kit.plots.roc(lines, least=1e-3)
    (alt,) = shown
    assert "strong finds 50.0%; weak finds 0.0%" in alt


@pytest.mark.parametrize("at", [None, [1, 10, 100]])
def test_curves_are_shown_with_what_is_said_of_them(shown, at):
    lines = {"unsir": [0.5, 0.25, 0.125], "my own": [1.0, 1.0, 1.0]}
    kit.plots.curves(lines, x="epoch", y="loss", alt="two lines", at=at, log=at is not None, goal=1)
    assert shown == ["two lines"]


def test_panels_one_above_the_other(shown):
    lines = {"error": {"unsir": [1.0, 1e-3]}, "time": {"unsir": [1.0, 2.0], "ssd": [1.0, 1.0]}}
    kit.plots.stacked(lines, x="noise", at=[1, 10], alt="two panels", mark=3)
    assert shown == ["two panels"]


@pytest.mark.parametrize("last, scale", [(6, "linear"), (10, "log")])
def test_few_epochs_stand_at_equal_distances(shown, monkeypatch, last, scale):
    scales = []
    module = sys.modules["kit.plots.curves"]
    monkeypatch.setattr(module, "show", lambda fig, _: scales.append(fig.axes[0].get_xscale()))
    lines = {"ours": [3.0, 2.0]}
    kit.plots.stacked({"nats": lines, "error": lines}, x="epochs", at=[1, last], alt="")
    assert scales == [scale]

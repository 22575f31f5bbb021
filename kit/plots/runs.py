"""Figures of recorded runs: a dot a run, a mean with its interval, one metric over another."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from kit.plots.page import show
from kit.plots.style import BLUE, HATCHES, PIECES, figure, style


def request_label(task: str, classes: Sequence[str]) -> str:
    """A request as a reader knows it: of "class:2+5+8" the names of the classes, of "sample:200"
    the number of images; of many classes only their number."""
    kind, _, what = task.partition(":")
    if kind == "sample":
        return f"{int(what):,} images"
    if kind != "class":
        return what
    asked = what.split("+")
    return f"{len(asked)} classes" if len(asked) > 4 else " + ".join(classes[int(c)] for c in asked)


def dots(
    table: pd.DataFrame, metric: str, *, label: str, group: str = "task", band: str = "retrain"
):
    """Show one metric of records: a dot per run, the mean as a bar, groups side by side.

    ``table`` needs the columns ``arm``, ``group`` and ``metric``. The mean plus and minus one
    standard deviation of the arm ``band`` is drawn as a grey band behind its group.
    """
    groups, arms = list(table[group].unique()), list(table["arm"].unique())
    fig, axis = figure(7.5, 3.2)
    said = []
    for i, name in enumerate(groups):
        here = table[table[group] == name]
        reference = here[here["arm"] == band][metric]
        if len(reference) > 1:
            low, high = reference.mean() - reference.std(), reference.mean() + reference.std()
            axis.fill_between([i - 0.45, i + 0.45], low, high, color="#D9D9D9", zorder=0)
        for k, arm in enumerate(arms):
            values = here[here["arm"] == arm][metric]
            x = i + 0.7 * ((k + 0.5) / len(arms) - 0.5)
            axis.plot([x] * len(values), values, linestyle="", markersize=4, alpha=0.6,
                      label=arm if i == 0 else None, **style(arm))  # fmt: skip
            axis.plot([x - 0.05, x + 0.05], [values.mean()] * 2, color=style(arm)["color"], lw=2)
            said.append(f"{name}, {arm}: {values.mean():.3f}")
    axis.set(xticks=range(len(groups)), ylabel=label)
    axis.set_xticklabels(groups)
    axis.grid(False, axis="x")
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    show(fig, f"{label}, mean over runs. " + "; ".join(said))


def shares(counts: pd.DataFrame, *, label: str) -> None:
    """Show counts as stacked bars: a bar for each row, a piece for each column."""
    fig, axis = figure(7, 0.9 + 0.36 * len(counts))
    left = np.zeros(len(counts))
    for (column, values), colour, hatch in zip(counts.items(), PIECES, HATCHES, strict=False):
        axis.barh(list(counts.index), values, left=left, color=colour, hatch=hatch, label=column,
                  edgecolor="white")  # fmt: skip
        left += values.to_numpy()
    axis.set(xlabel=label)
    axis.grid(False, axis="y")
    axis.invert_yaxis()
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    said = [
        f"{name}: " + ", ".join(f"{n} {column}" for column, n in row.items())
        for name, row in counts.iterrows()
    ]
    show(fig, f"Numbers of {label}. " + "; ".join(said))


def intervals(
    rows: pd.DataFrame, *, label: str, band: tuple[float, float] | None = None, line: float = 0.0
) -> None:
    """Show a mean with its interval for each row, one below the other.

    ``rows`` is indexed by name, with the columns ``mean``, ``low`` and ``high`` (NaN: no interval),
    and perhaps ``look``, the name whose colour and marker a row takes in place of its own. The grey
    band says where a value should lie, the dotted line marks a place.
    """
    fig, axis = figure(7, 0.9 + 0.26 * len(rows))
    if band is not None:
        axis.axvspan(*band, color="#E5E5E5", zorder=0)
    axis.axvline(line, color="#7F7F7F", linestyle=":", linewidth=1)
    said = []
    for height, (name, row) in enumerate(rows.iterrows()):
        look = style(row.get("look", name))
        axis.plot([row["low"], row["high"]], [height] * 2, color=look["color"], linewidth=1.5)
        axis.plot(row["mean"], height, markersize=6, markeredgecolor="black",
                  markeredgewidth=0.5, **look)  # fmt: skip
        said.append(f"{name}: {row['mean']:.3g} [{row['low']:.3g}, {row['high']:.3g}]")
    axis.set(xlabel=label, yticks=range(len(rows)), yticklabels=list(rows.index))
    axis.grid(False, axis="y")
    axis.invert_yaxis()
    show(fig, f"{label}, mean and interval. " + "; ".join(said))


def trade_off(
    rows: pd.DataFrame, x: str, y: str, *, labels: tuple[str, str], log: bool = False
) -> tuple[Figure, str]:
    """One metric over another, a marker with its name for each row's mean: a frame for ``tabs`` or
    ``slider``, or for ``show``.

    ``rows`` is indexed by method; less is better for both. The line joins the rows that no other
    one beats in both (the Pareto front).
    """
    fig, axis = figure(7, 3.8)
    for name, row in rows.iterrows():
        axis.plot(row[x], row[y], linestyle="", markersize=8, markeredgecolor="black",
                  markeredgewidth=0.5, **style(name))  # fmt: skip
    front = pareto_front(rows, x, y)
    axis.plot(rows.loc[front, x], rows.loc[front, y], color="#7F7F7F", linewidth=1, zorder=0)
    axis.set(xlabel=labels[0], ylabel=labels[1], xscale="log" if log else "linear")
    axis.margins(0.12)
    _name_points(axis, rows[[x, y]].dropna())
    return fig, f"{labels[1]} over {labels[0]}. Beaten by none in both: {', '.join(front)}."


def _name_points(axis: plt.Axes, points: pd.DataFrame) -> None:
    """Write each point's name beside it, where neither a point nor another name stands."""
    axis.figure.canvas.draw()  # from here on places in pixels are known
    axis.figure.set_layout_engine("none")
    frame, inch = axis.get_window_extent(), axis.figure.dpi / 72
    pixels = axis.transData.transform(points.to_numpy())
    taken = [Bbox.from_extents(*(at - 6 * inch), *(at + 6 * inch)) for at in pixels]
    ways = list(product((9, 15, 24, 36, 50), np.linspace(0, 2 * np.pi, 16, endpoint=False)))
    for name, xy in zip(points.index, points.to_numpy(), strict=True):
        for far, angle in ways:
            shift = (far * np.cos(angle), far * np.sin(angle))
            side = ("right", "center", "left")[round(np.sign(round(shift[0], 1))) + 1]
            line = {"arrowstyle": "-", "color": "#A0A0A0", "linewidth": 0.6, "shrinkB": 3}
            note = axis.annotate(
                name, xy, shift, textcoords="offset points", fontsize=8, ha=side, va="center",
                arrowprops=line if far > 15 else None,
            )  # fmt: skip
            note.update_positions(axis.figure.canvas.get_renderer())
            box = Text.get_window_extent(note)
            inside = frame.containsx(box.x0) and frame.containsx(box.x1)
            if inside and frame.containsy(box.y0) and not box.count_overlaps(taken):
                taken.append(box)
                break
            if (far, angle) != ways[-1]:  # the last place is taken as it is
                note.remove()


def pareto_front(rows: pd.DataFrame, x: str, y: str) -> list[str]:
    """Names of the rows that no other one beats or equals in both columns (less is better)."""
    kept, lowest = [], math.inf
    for name, row in rows[[x, y]].dropna().sort_values([x, y]).iterrows():
        if row[y] < lowest:
            kept.append(name)
            lowest = row[y]
    return kept


def panels(
    table: pd.DataFrame, metrics: Mapping[str, str], *, line: str, band: str = "retrain"
) -> None:
    """Show several metrics of records side by side, an arm a row: a dot per run, the mean in black.

    ``table`` needs the column ``arm`` and those of ``metrics``: column -> label. The dotted line is
    the mean of the arm ``line``; the grey band the mean of the arm ``band`` plus and minus one
    standard deviation, and that arm has no row.
    """
    rows = [arm for arm in table["arm"].unique() if arm != band]
    fig, axes = figure(9, 0.9 + 0.24 * len(rows), len(metrics), sharey=True)
    said = []
    for axis, (metric, label) in zip(axes, metrics.items(), strict=True):
        reference = table[table["arm"] == band][metric]
        if len(reference) > 1:
            middle, spread = reference.mean(), reference.std()
            axis.axvspan(middle - spread, middle + spread, color="#D9D9D9", zorder=0)
        usual = table[table["arm"] == line][metric].mean()
        axis.axvline(usual, color="#7F7F7F", linestyle=":", linewidth=1)
        for height, arm in enumerate(rows):
            values = table[table["arm"] == arm][metric]
            axis.plot(values, [height] * len(values), "o", color=BLUE, markersize=4, alpha=0.5)
            axis.plot(values.mean(), height, "|", color="black", markersize=11, markeredgewidth=2)
        axis.set(xlabel=label, yticks=range(len(rows)), yticklabels=rows)
        means = table.groupby("arm", sort=False)[metric].mean()
        said.append(f"{label}: " + ", ".join(f"{arm} {value:.3f}" for arm, value in means.items()))
    axes[0].invert_yaxis()
    show(fig, "Mean over runs. " + "; ".join(said))

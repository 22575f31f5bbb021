"""Lines and cells: curves, ROC curves, matrices of numbers."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from torch import Tensor

from kit.plots.page import show
from kit.plots.style import distinct, figure


def curves(
    lines: Mapping[str, Sequence[float]], *, x: str, y: str, alt: str, goal: float | None = None,
    at: Sequence[float] | None = None, log: bool = False, ticks: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Show lines over ``at``, by default over steps 0, 1, 2, ...; the name of a line decides its
    colour and marker, ``log`` puts x on a logarithmic axis, ``goal`` is a dotted level, ``ticks``
    names the places on x."""
    fig, axis = figure(6.5, 3)
    looks = distinct(lines)
    for name, values in lines.items():
        every = max(1, len(values) // 10)
        places = range(len(values)) if at is None else at
        axis.plot(places, values, label=name, markevery=every, markersize=5, **looks[name])
    if goal is not None:
        axis.axhline(goal, color="#7F7F7F", linestyle=":", linewidth=1)
    axis.set(xlabel=x, ylabel=y, xscale="log" if log else "linear")
    if at is not None and len(at) <= 8:
        axis.set_xticks(at, [f"{place:g}" for place in at])
        axis.minorticks_off()
    if ticks is not None:
        axis.set_xticks(range(len(ticks)), ticks)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    show(fig, alt)


def stacked(
    panels: Mapping[str, Mapping[str, Sequence[float]]], *, x: str, at: Sequence[float], alt: str,
    mark: float | None = None,
) -> None:  # fmt: skip
    """Show panels one above the other over one x axis: label of y -> name -> values.

    Over a factor of 10 and more x is logarithmic, over more than 100 the y of a panel; ``mark`` is
    a dotted place on x.
    """
    fig, axes = figure(6.5, 2.1 * len(panels), rows=len(panels), sharex=True)
    names = [name for lines in panels.values() for name in lines]
    looks = distinct(list(dict.fromkeys(names)))
    for axis, (label, lines) in zip(axes, panels.items(), strict=True):
        values = [v for line in lines.values() for v in line if v > 0]
        for name, line in lines.items():
            axis.plot(at, line, label=name, markersize=5, **looks[name])
        if mark is not None:
            axis.axvline(mark, color="#7F7F7F", linestyle=":", linewidth=1)
        axis.set(ylabel=label, xscale="log" if max(at) >= 10 * min(at) else "linear")
        axis.set_yscale("log" if max(values) > 100 * min(values) else "linear")
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes[-1].set(xlabel=x)
    show(fig, alt)


def roc(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, least: float) -> None:
    """Show ROC curves, name -> (false, true positive rates), on log axes from ``least`` on.

    On log axes the low false alarm rates, where an attack convicts, are not squeezed into a corner.
    The dotted line is chance.
    """
    fig, axis = figure(5.5, 3.1)
    said, looks = [], distinct(curves)
    for name, (fpr, tpr) in curves.items():
        axis.plot(fpr, tpr, label=name, color=looks[name]["color"], linewidth=1.8)
        low = [t for f, t in zip(fpr, tpr, strict=True) if f <= 0.01 + 1e-12]
        said.append(f"{name} finds {max(low):.1%}")
    axis.plot([least, 1], [least, 1], color="#7F7F7F", linestyle=":", linewidth=1)
    axis.set(xscale="log", yscale="log", xlim=(least, 1), ylim=(least, 1.05),
             xlabel="false positive rate", ylabel="true positive rate")  # fmt: skip
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    show(fig, f"ROC curves on log axes. At 1 % false alarms {'; '.join(said)}.")


def matrix(values: Tensor, rows: Sequence[str], *, label: str, columns: str) -> None:
    """Show ``[rows, columns]`` as coloured cells without numbers, for many columns: white is the
    lowest. The alt text names each row's highest column."""
    fig, axis = figure(7, 1.1 + 0.24 * len(rows))
    image = axis.imshow(values.float().numpy(), cmap="Blues", aspect="auto")
    fig.colorbar(image, ax=axis, label=label)
    axis.set(yticks=range(len(rows)), yticklabels=rows, xlabel=columns)
    axis.grid(False)
    best = [f"{row}: {columns} {int(v.argmax())}" for row, v in zip(rows, values, strict=True)]
    show(fig, f"{label} of {values.shape[1]} {columns}s. Highest for {'; '.join(best)}.")


def heat(
    table: pd.DataFrame, *, label: str, low: float = 0.0, high: float = 1.0,
    colour: pd.DataFrame | None = None,
) -> None:  # fmt: skip
    """Show a table of numbers as coloured cells, from white at ``low`` to dark at ``high``.

    ``colour`` holds other numbers of the same shape that decide the colour: how far a number is
    from the ideal, say, where the ideal of each column is another.
    """
    import seaborn as sns  # takes seconds to import

    fig, axis = figure(2.2 + 0.8 * len(table.columns), 1.3 + 0.34 * len(table))
    shades = table if colour is None else colour.reindex_like(table)
    sns.heatmap(shades.astype(float), ax=axis, cmap="Blues", vmin=low, vmax=high, fmt=".2f",
                annot=table.astype(float), annot_kws={"size": 8}, cbar=False,
                linewidths=1)  # fmt: skip
    axis.set_title(label, fontsize=10)
    axis.grid(False)  # it would show through cells without a number
    axis.tick_params(axis="x", rotation=35, length=0)
    axis.tick_params(axis="y", rotation=0, length=0)
    axis.set(xlabel="", ylabel="")
    plt.setp(axis.get_xticklabels(), ha="right", rotation_mode="anchor")
    rows = [
        f"{name}: " + ", ".join(f"{column} {value:.2f}" for column, value in row.dropna().items())
        for name, row in table.iterrows()
    ]
    show(fig, f"{label}. {'; '.join(rows)}.")

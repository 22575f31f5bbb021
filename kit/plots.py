"""The one style of all figures: a colour and a marker per method everywhere, alt text required."""

import base64
import html
import io
import math
import re
import zlib
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown, display
from matplotlib.figure import Figure
from torch import Tensor, nn

from kit.metrics import accuracy, layer_distances, prediction_distribution
from kit.splits import Split
from kit.tasks import ForgetTask
from kit.training import predict

# Okabe and Ito's palette is told apart with every common colour vision; black is the gold standard.
ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
STYLE = {
    "original": ("#7F7F7F", "o"),
    "retrain": ("#000000", "D"),
    "finetune": (SKY, "v"),
    "logit_mask": (PINK, "X"),
    "unsir": (BLUE, "s"),
    "unsir paper": (BLUE, "s"),
    "unsir code": (ORANGE, "^"),
    "unsir no_noise": (GREEN, "P"),
    "unsir gaussian": (RED, "p"),
    "class_pruning": (RED, "s"),
    "erwp": (GREEN, "s"),
    "mixed_privacy": (ORANGE, "s"),
    "neg_grad": (RED, "v"),
    "random_labels": (BLUE, "^"),
    "salun": (BLUE, "v"),
    "bad_teacher": (PINK, "s"),
    "scrub": (ORANGE, "D"),
    "boundary_shrink": (PINK, "^"),
    "ssd": (GREEN, "D"),
    "fisher": (ORANGE, "p"),
    "l1_sparse": (SKY, "s"),
    "reproduced": (GREEN, "o"),
    "partly": (SKY, "d"),
    "not reproduced": (RED, "X"),
    "clean": ("#4D4D4D", "d"),
    "untrained": ("#B3B3B3", "x"),
    "feature_sensitivity": (GREEN, "^"),
    "gradient_reversal": (PINK, "p"),
    "concept_erasure": (YELLOW, "h"),
    "influence_update": (RED, "P"),
    "feature_adversarial": (BLUE, "D"),
    "feature_filter": (ORANGE, "X"),
}
_COLOURS = (ORANGE, SKY, GREEN, BLUE, RED, PINK)
_MARKERS = "osv^<>PXpd"
_PIECES, _HATCHES = (GREEN, SKY, RED, BLUE, "#BFBFBF"), ("", "//", "xx", "..", "")

_RC = {
    "figure.dpi": 100,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def style(method: str) -> dict:
    """Colour and marker of a method, the same in every figure; new names get one of their own."""
    if method not in STYLE:
        number = zlib.crc32(method.encode())
        STYLE[method] = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
    colour, marker = STYLE[method]
    return {"color": colour, "marker": marker}


def _distinct(names: Sequence[str]) -> dict[str, dict]:
    """A look for each line of one figure: a method's own, and for other names one that is free."""
    looks = {name: style(name) for name in names if name in STYLE}
    taken = [look["color"] for look in looks.values()]
    free = [(c, m) for c, m in zip(_COLOURS, _MARKERS, strict=False) if c not in taken]
    others = [name for name in names if name not in STYLE]
    for number, name in enumerate(others):
        colour, marker = free[number % len(free)]
        looks[name] = {"color": colour, "marker": marker}
    return looks


def figure(width: float = 7.0, height: float = 3.0, columns: int = 1, rows: int = 1, **options):
    """``plt.subplots`` in the book's style; sizes in inches, 7 is the text's width."""
    plt.rcParams.update(_RC)
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def show(fig: Figure, alt: str) -> None:
    """Display a figure with the text that says what it shows to those who cannot see it.

    The figure is an opaque white card, so that it reads the same on a dark page.

    Raises
    ------
    ValueError
        an alt text that is empty.
    """
    display({"text/html": _image(fig, alt), "text/plain": alt}, raw=True)


def slider(label: str, frames: Mapping[str, tuple[Figure, str]]) -> None:
    """Show one figure at a time, chosen by a slider: its position -> (figure, alt text).

    Works wherever HTML does, without a running kernel.

    Raises
    ------
    ValueError
        no frame, or an empty alt text.
    """
    if not frames:
        raise ValueError("a slider needs at least one frame")
    images = [
        f'<div data-value="{html.escape(value)}"{" hidden" if i else ""}>{_image(fig, alt)}</div>'
        for i, (value, (fig, alt)) in enumerate(frames.items())
    ]
    choose = (
        "const box = this.closest('.kit-slider');"
        "const chosen = box.querySelectorAll('[data-value]');"
        "chosen.forEach((frame, i) => frame.hidden = i != this.value);"
        "box.querySelector('output').textContent = chosen[this.value].dataset.value"
    )
    first = html.escape(next(iter(frames)))
    control = (
        f"<label>{html.escape(label)}: <output>{first}</output> "
        f'<input type="range" min="0" max="{len(frames) - 1}" value="0" oninput="{choose}"></label>'
    )
    text = "; ".join(f"{label} {value}: {alt}" for value, (_, alt) in frames.items())
    page = f'<div class="kit-slider">{control}{"".join(images)}</div>'
    display({"text/html": page, "text/plain": text}, raw=True)


def _image(fig: Figure, alt: str) -> str:
    if not alt.strip():
        raise ValueError("alt must say in words what the figure shows")
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=160, facecolor="white")
    plt.close(fig)
    width = round(fig.get_figwidth() * 100)  # CSS pixels
    image = base64.b64encode(file.getvalue()).decode()
    return (
        f'<img class="kit-figure" width="{width}" alt="{html.escape(alt)}" '
        f'src="data:image/png;base64,{image}">'
    )


def say(text: str) -> None:
    """Show a paragraph of prose whose numbers were measured: Markdown, usually an f-string."""
    display(Markdown(text))


def table(frame: pd.DataFrame, numbers: str = "{:.1%}", *, sortable: bool = False) -> None:
    """Show a table; ``numbers`` formats its floats, whole numbers stay as they are.

    With ``sortable`` a click on a heading sorts the rows, wherever HTML runs scripts; where it does
    not, the table is a table.
    """

    def text(value) -> str:
        if isinstance(value, float):
            return "" if math.isnan(value) else numbers.format(value)
        return str(value)

    frame = frame.rename(columns=lambda c: c.replace("_", " ") if isinstance(c, str) else c)
    styled = frame.style.format(text).set_table_attributes('class="dataframe"')
    if not sortable:
        display(styled)
        return
    page = re.sub(
        r"(<th[^>]*col_heading[^>]*>)(.*?)</th>",
        rf'\1<button class="kit-sort" onclick="{html.escape(_SORT)}">\2</button></th>',
        styled.to_html(),
    )
    display({"text/html": page, "text/plain": frame.to_string()}, raw=True)


# By number where every cell of the column begins with one, else by text; again: the other way.
_SORT = (
    "const head = this.closest('th'), body = this.closest('table').tBodies[0];"
    "const column = [...head.parentNode.children].indexOf(head);"
    "const down = this.dataset.down = this.dataset.down === 'yes' ? 'no' : 'yes';"
    "const text = (row) => row.children[column].textContent.trim();"
    "const value = (row) => text(row) === '' ? -Infinity : parseFloat(text(row).replace('−', '-'));"
    "const order = (a, b) => isNaN(value(a)) || isNaN(value(b))"
    " ? text(a).localeCompare(text(b)) : value(a) - value(b);"
    "[...body.rows].sort((a, b) => down === 'yes' ? order(b, a) : order(a, b))"
    ".forEach((row) => body.append(row))"
)


def standing(models: Mapping[str, nn.Module], task: ForgetTask) -> None:
    """Show the figure that opens every chapter.

    Left: accuracy of each model on test images of retained and forgotten classes. Right: what each
    model says the forgotten images are.
    """
    import seaborn as sns  # takes seconds to import

    names = list(models)
    retain, forget, shares = [], [], []
    for model in models.values():
        logits = predict(model, task.test_forget)
        shares.append(prediction_distribution(logits))
        forget.append(accuracy(logits, task.test_forget.y))
        retain.append(accuracy(predict(model, task.test_retain), task.test_retain.y))
    forgotten = " and ".join(task.data.classes[c] for c in task.forget_classes)

    height = 1.4 + 0.38 * len(names)
    fig, (left, right) = figure(9, height, 2, width_ratios=(1, 1.55))
    rows = np.arange(len(names))
    left.barh(rows - 0.19, retain, 0.36, color="#B8B8B8", label="retained")
    left.barh(rows + 0.19, forget, 0.36, color=BLUE, label="forgotten")
    for row, (r, f) in enumerate(zip(retain, forget, strict=True)):
        left.text(r + 0.02, row - 0.19, f"{r:.0%}", va="center", fontsize=8)
        left.text(f + 0.02, row + 0.19, f"{f:.0%}", va="center", fontsize=8)
    left.set(xlim=(0, 1.12), yticks=rows, yticklabels=names, xlabel="test accuracy")
    left.invert_yaxis()
    left.grid(False, axis="y")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    sns.heatmap(
        torch.stack(shares).numpy() * 100, ax=right, cmap="Blues", vmin=0, vmax=100, annot=True,
        fmt=".0f", annot_kws={"size": 8}, cbar=False, linewidths=1, yticklabels=names,
        xticklabels=task.data.classes,
    )  # fmt: skip
    right.set_title(f"% of {forgotten} images predicted as", fontsize=10)
    right.tick_params(axis="x", rotation=45, length=0)
    right.tick_params(axis="y", rotation=0, length=0)
    plt.setp(right.get_xticklabels(), ha="right", rotation_mode="anchor")
    parts = [
        f"{name}: {r:.0%} on retained, {f:.0%} on forgotten, most often predicted "
        f"{task.data.classes[int(s.argmax())]} ({s.max():.0%})"
        for name, r, f, s in zip(names, retain, forget, shares, strict=True)
    ]
    show(fig, f"Test accuracy and predictions on forgotten {forgotten} images. " + "; ".join(parts))


def images(split: Split, classes: Sequence[str], *, per_class: int = 10) -> None:
    """Show the first images of each class that occurs in a split, a class a row."""
    labels = split.y.unique().tolist()
    height = 0.62 * len(labels) + 0.1
    fig, axis = figure(0.62 * per_class + 1.2, height)
    rows = [_strip(split.of_classes([c]).x[:per_class]) for c in labels]
    axis.imshow(torch.cat(rows).squeeze(-1).numpy(), cmap="gray")
    size = split.pixels.shape[2]
    axis.set(xticks=[], yticks=[size * (i + 0.5) for i in range(len(labels))])
    axis.set_yticklabels([classes[c] for c in labels])
    axis.tick_params(length=0)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    names = ", ".join(classes[c] for c in labels)
    show(fig, f"{per_class} images of each of these classes, one class a row: {names}.")


def pictures(tiles: Mapping[str, Tensor], alt: str) -> None:
    """Show images side by side under their titles: ``[H, W]`` or ``[C, H, W]``, in any range."""
    fig, axes = figure(1.5 * len(tiles), 1.8, len(tiles), squeeze=False)
    for axis, (title, tile) in zip(axes[0], tiles.items(), strict=True):
        tile = tile.detach().float().cpu()
        tile = (tile - tile.min()) / (tile.max() - tile.min()).clamp_min(1e-8)
        axis.imshow(tile.movedim(0, -1).squeeze(-1) if tile.dim() == 3 else tile, cmap="gray")
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    show(fig, alt)


def curves(
    lines: Mapping[str, Sequence[float]], *, x: str, y: str, alt: str, goal: float | None = None,
    at: Sequence[float] | None = None, log: bool = False, ticks: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Show lines over ``at``, by default over steps 0, 1, 2, ...; the name of a line decides its
    colour and marker, ``log`` puts x on a logarithmic axis, ``goal`` is a dotted level, ``ticks``
    names the places on x."""
    fig, axis = figure(6.5, 3)
    looks = _distinct(lines)
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
    """Show panels one above the other over one logarithmic x axis: label of y -> name -> values.

    A panel whose values span more than a factor of 100 gets a logarithmic y axis; ``mark`` is a
    dotted place on x.
    """
    fig, axes = figure(6.5, 2.1 * len(panels), rows=len(panels), sharex=True)
    names = [name for lines in panels.values() for name in lines]
    looks = _distinct(list(dict.fromkeys(names)))
    for axis, (label, lines) in zip(axes, panels.items(), strict=True):
        values = [v for line in lines.values() for v in line if v > 0]
        for name, line in lines.items():
            axis.plot(at, line, label=name, markersize=5, **looks[name])
        if mark is not None:
            axis.axvline(mark, color="#7F7F7F", linestyle=":", linewidth=1)
        axis.set(ylabel=label, xscale="log")
        axis.set_yscale("log" if max(values) > 100 * min(values) else "linear")
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes[-1].set(xlabel=x)
    show(fig, alt)


def roc(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, least: float) -> None:
    """Show ROC curves, name -> (false, true positive rates), on log axes from ``least`` on.

    On log axes the low false alarm rates, where an attack convicts, are not squeezed into a corner.
    The dotted line is chance.
    """
    fig, axis = figure(5.5, 3.6)
    said, looks = [], _distinct(curves)
    for name, (fpr, tpr) in curves.items():
        axis.plot(fpr, tpr, label=name, color=looks[name]["color"], linewidth=1.8)
        low = [t for f, t in zip(fpr, tpr, strict=True) if f <= 0.01 + 1e-12]
        said.append(f"{name} finds {max(low):.1%}")
    axis.plot([least, 1], [least, 1], color="#7F7F7F", linestyle=":", linewidth=1)
    axis.set(xscale="log", yscale="log", xlim=(least, 1), ylim=(least, 1.05),
             xlabel="false positive rate", ylabel="true positive rate")  # fmt: skip
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    show(fig, f"ROC curves on log axes. At 1 % false alarms {'; '.join(said)}.")


def layers(
    models: Mapping[str, nn.Module], origin: nn.Module, *, origin_name: str = "the original"
) -> None:
    """Show how far each layer is from that of ``origin``, called ``origin_name``, on a log axis."""
    fig, axis = figure(7, 3.2)
    lines = {name: layer_distances(model, origin) for name, model in models.items()}
    for line, distances in lines.items():
        axis.plot(
            [max(d, 1e-4) for d in distances.values()], label=line, markersize=5, **style(line)
        )
    layer_names = list(next(iter(lines.values())))
    axis.set(yscale="log", ylabel=f"L2 distance to {origin_name}", xticks=range(len(layer_names)))
    axis.set_xticklabels(layer_names, rotation=60, ha="right", fontsize=7)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    totals = "; ".join(
        f"{name}: {sum(d**2 for d in line.values()) ** 0.5:.1f} in all"
        for name, line in lines.items()
    )
    show(fig, f"Distance of each layer's weights to {origin_name}, by layer. {totals}.")


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
    for (column, values), colour, hatch in zip(counts.items(), _PIECES, _HATCHES, strict=False):
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
    """One metric over another, a marker for each row's mean: a frame for ``slider``, or for
    ``show``.

    ``rows`` is indexed by method; less is better for both. The line joins the rows that no other
    one beats in both (the Pareto front).
    """
    fig, axis = figure(7, 3.8)
    for name, row in rows.iterrows():
        axis.plot(row[x], row[y], linestyle="", markersize=8, markeredgecolor="black",
                  markeredgewidth=0.5, label=name, **style(name))  # fmt: skip
    front = pareto_front(rows, x, y)
    axis.plot(rows.loc[front, x], rows.loc[front, y], color="#7F7F7F", linewidth=1, zorder=0)
    axis.set(xlabel=labels[0], ylabel=labels[1], xscale="log" if log else "linear")
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    return fig, f"{labels[1]} over {labels[0]}. Beaten by none in both: {', '.join(front)}."


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


def projections(
    features: Mapping[str, Tensor], labels: Tensor, classes: Sequence[str], shown: Sequence[int]
) -> None:
    """Show the features of several networks, each on its own two principal axes.

    Parameters
    ----------
    features
        name -> ``[n, width]``, of the same images.
    shown
        classes that get a colour and a star at their mean; the others are grey.
    """
    fig, axes = figure(9, 3.2, len(features))
    for axis, (name, values) in zip(axes, features.items(), strict=True):
        centred = values - values.mean(0)
        points = centred @ torch.linalg.svd(centred, full_matrices=False).Vh[:2].T
        rest = ~torch.isin(labels, torch.tensor(list(shown)))
        axis.plot(*points[rest].T, ".", color="#C4C4C4", markersize=3, label="other classes")
        for c, colour, marker in zip(shown, _COLOURS, _MARKERS, strict=False):
            own = points[labels == c]
            axis.plot(*own.T, marker, color=colour, markersize=3, alpha=0.7, label=classes[c])
            axis.plot(*own.mean(0), "*", color=colour, ms=15, markeredgecolor="black", zorder=5)
        axis.set(title=name, xticks=[], yticks=[])
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    coloured = " and ".join(classes[c] for c in shown)
    show(fig, f"Features of test images on two principal axes of {', '.join(features)}; "
              f"{coloured} in colour with their means, the other classes grey.")  # fmt: skip


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


def heat(table: pd.DataFrame, *, label: str, low: float = 0.0, high: float = 1.0) -> None:
    """Show a table of numbers as coloured cells, from white at ``low`` to dark at ``high``."""
    import seaborn as sns  # takes seconds to import

    fig, axis = figure(2.2 + 0.8 * len(table.columns), 1.3 + 0.34 * len(table))
    sns.heatmap(table.astype(float), ax=axis, cmap="Blues", vmin=low, vmax=high, annot=True,
                fmt=".2f", annot_kws={"size": 8}, cbar=False, linewidths=1)  # fmt: skip
    axis.set_title(label, fontsize=10)
    axis.tick_params(axis="x", rotation=35, length=0)
    axis.tick_params(axis="y", rotation=0, length=0)
    axis.set(xlabel="", ylabel="")
    plt.setp(axis.get_xticklabels(), ha="right", rotation_mode="anchor")
    rows = [
        f"{name}: " + ", ".join(f"{column} {value:.2f}" for column, value in row.dropna().items())
        for name, row in table.iterrows()
    ]
    show(fig, f"{label}. {'; '.join(rows)}.")


def _strip(images: Tensor) -> Tensor:
    """Images side by side: uint8 ``[n, C, H, W]`` -> ``[H, n * W, C]``."""
    return torch.cat(list(images.permute(0, 2, 3, 1)), 1)

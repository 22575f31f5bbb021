"""The explorer: one picture in several networks, and one threshold for all pictures."""

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from kit.metrics import features
from kit.metrics.membership.scores import margin
from kit.plots.style import BLUE, COLOURS, YELLOW
from kit.plots.touch import touch
from kit.tasks import ForgetTask
from kit.training import predict

if TYPE_CHECKING:
    from bokeh.models import ColumnDataSource, Span
    from bokeh.plotting import figure

_HUES = (*COLOURS, YELLOW, "#8C8C8C", "#7B4B94", "#7A5C2E")  # one for each class

_PICK = """
const at = source.selected.indices[0] ?? 0, d = source.data;
const all = said_by, names = Object.keys(all), k = classes.length, top = [];
names.forEach((name, row) => {
  const floor = names.length - 1 - row;  // the first on top
  for (let c = 0; c < k; c++) bars.data.top[row * k + c] = floor + all[name][at][c] / 1150;
  const best = all[name][at].indexOf(Math.max(...all[name][at]));
  top.push(`${name}: ${classes[best]}`);
});
bars.change.emit();
const own = classes.map((c) => c === d.label[at] ? "#000000" : "#8FB8DE");
bars.data.colour = names.flatMap(() => own);
said.text = `<p><img src="${d.picture[at]}" width="56" height="56" alt="${d.label[at]}"
 style="image-rendering:pixelated;float:left;margin-right:.8rem"> Picture ${at}, ${d.label[at]},
 ${d.part[at]}. Most likely, by network: ${top.join("; ")}.</p>`;
"""
_CHOOSE = "source.selected.indices = [number.value];"
_FOLLOW = "const at = source.selected.indices; if (at.length) number.value = at[0];"
_PLACE = """
source.data[x] = places[network.value][0]; source.data[y] = places[network.value][1];
source.change.emit();
"""
_ATTACK = """
const [inside, outside] = scores[network.value], t = threshold.value;
const above = (list, t) => list.filter((one) => one >= t).length / list.length;
const steps = [...inside, ...outside].sort((a, b) => b - a);
curve.data = {x: [0, ...steps.map((s) => above(outside, s))],
              y: [0, ...steps.map((s) => above(inside, s))]};
const tpr = above(inside, t), fpr = above(outside, t);
point.data = {x: [fpr], y: [tpr]};
rule.location = t;
const count = (list) => edges.slice(1).map((end, i) => list.filter(
  (s) => s >= edges[i] && (s < end || i === edges.length - 2)).length / list.length);
heights.data = {...heights.data, inside: count(inside), outside: count(outside)};
said.text = `<p>At ${t.toFixed(1)} the attack says “member” to
 <b>${(100 * tpr).toFixed(0)} %</b> of the forgotten members and to
 <b>${(100 * fpr).toFixed(0)} %</b> of the never-seen pictures.</p>`;
"""


def explorer(models: Mapping[str, nn.Module], task: ForgetTask, each: int = 10) -> None:
    """Show pictures as networks see them: their answers as bars, their features as two maps.

    A map is the plane of the two main directions of the *retained* pictures' features. ``each``:
    test pictures per class; as many training pictures of the forgotten classes are added.
    """
    from bokeh.layouts import column
    from bokeh.models import CustomJS, Div, Select, Slider

    source, splits = _pictures(task, each)
    said_by, places = {}, {}
    for name, model in models.items():
        shares = torch.cat([predict(model, split).softmax(1) for split in splits])
        said_by[name] = (shares * 1000).round().int().tolist()
        places[name] = _plane(model, task, splits)
    names = list(models)
    number = Slider(title="Picture", start=0, end=len(source.data["label"]) - 1, value=0)
    said = Div(styles={"font-size": "1rem"}, html_attributes={"role": "status"})
    bars, drawn = _bars(names, task)
    maps = []
    for i, start in enumerate((names[0], names[1])):
        source.data[f"x{i}"], source.data[f"y{i}"] = places[start]
        network = Select(title=f"Features of, map {i + 1}", value=start, options=names)
        args = {"source": source, "places": places, "network": network, "x": f"x{i}", "y": f"y{i}"}
        network.js_on_change("value", CustomJS(args=args, code=_PLACE))
        maps += [network, _map(source, i)]
    pick = CustomJS(
        args={"source": source, "said_by": said_by, "bars": bars, "said": said,
              "classes": list(task.data.classes)},
        code=_PICK,
    )  # fmt: skip
    both = {"source": source, "number": number}
    source.selected.js_on_change("indices", pick, CustomJS(args=both, code=_FOLLOW))
    number.js_on_change("value", CustomJS(args=both, code=_CHOOSE))
    source.selected.indices = [0]
    touch(
        column(number, said, drawn, *maps),
        "A figure to touch: choose a picture by number or on a map of the features. Bars show what "
        f"{', '.join(names)} answer to it; two maps mark its place among the features.",
        first=pick,
    )


def _pictures(task: ForgetTask, each: int) -> "tuple[ColumnDataSource, list]":
    """The chosen pictures as a source of points, and as splits in the same order."""
    from bokeh.models import ColumnDataSource

    forgotten = set(task.forget_classes)
    chosen = [(task.forget, "seen in training, to be forgotten", _first(task.forget.y, each))]
    for split in (task.test_forget, task.test_retain):
        chosen.append((split, "a test picture", _first(split.y, each)))
    rows: dict[str, list] = {
        k: [] for k in ("label", "part", "picture", "colour", "marker", "size")
    }
    for split, part, at in chosen:
        for i in at:
            label = int(split.y[i])
            gone = label in forgotten
            rows["label"].append(task.data.classes[label])
            rows["part"].append(part)
            rows["picture"].append(_png(split.pixels[split.rows[i]]))
            rows["colour"].append("#000000" if gone else _HUES[label % len(_HUES)])
            rows["marker"].append("star" if gone else "circle")
            rows["size"].append(15 if gone else 8)
    return ColumnDataSource(rows), [split.take(torch.tensor(at)) for split, _, at in chosen]


def _first(labels: torch.Tensor, each: int) -> list[int]:
    """Where the first so many of each class stand, class by class."""
    where = [torch.nonzero(labels == c).flatten()[:each] for c in labels.unique()]
    return torch.cat(where).tolist()


def _png(pixels: torch.Tensor) -> str:
    from PIL import Image

    array = pixels.permute(1, 2, 0).numpy().squeeze()
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _plane(model: nn.Module, task: ForgetTask, splits: list) -> tuple[list, list]:
    """The pictures in the two main directions of what is retained; the sign is made unique."""
    kept = features(model, task.test_retain).double().numpy()
    centre = kept.mean(0)
    _, _, axes = np.linalg.svd(kept - centre, full_matrices=False)
    axes = axes[:2]
    signs = np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])
    points = torch.cat([features(model, split) for split in splits]).double().numpy() - centre
    x, y = (points @ (axes * signs[:, None]).T).round(2).T
    return x.tolist(), y.tolist()


def _map(source: "ColumnDataSource", i: int):
    from bokeh.models import HoverTool
    from bokeh.plotting import figure

    hover = HoverTool(tooltips="<img src='@picture' width='56' alt=''><br>@label, @part")
    fig = figure(height=380, tools=[hover, "tap"], x_axis_label="first direction",
                 y_axis_label="second direction")  # fmt: skip
    fig.scatter(
        f"x{i}", f"y{i}", source=source, color="colour", marker="marker", size="size", alpha=0.8,
        selection_line_color="#D55E00", selection_line_width=4, selection_alpha=1,
        nonselection_alpha=0.5, legend_group="label",
    )  # fmt: skip
    legend = fig.legend[0]
    fig.add_layout(legend, "below")  # out of the points' way, also on a phone
    legend.ncols, legend.label_text_font_size, legend.glyph_height = 4, "11px", 14
    return fig


def _bars(names: list[str], task: ForgetTask):
    """A row of bars for each network, one for each class."""
    from bokeh.models import ColumnDataSource
    from bokeh.plotting import figure

    k = len(task.data.classes)
    rows = np.repeat(np.arange(len(names))[::-1], k)  # the first on top
    columns = np.tile(np.arange(k), len(names))
    bars = ColumnDataSource({
        "left": (columns - 0.4).tolist(), "right": (columns + 0.4).tolist(),
        "bottom": rows.tolist(), "top": rows.tolist(), "colour": [BLUE] * len(rows),
    })  # fmt: skip
    fig = figure(height=60 + 44 * len(names), tools="", y_range=(0, len(names)))
    fig.quad("left", "right", "top", "bottom", source=bars, fill_color="colour", line_color=None)
    fig.yaxis.ticker = [i + 0.4 for i in range(len(names))]
    fig.yaxis.major_label_overrides = {i + 0.4: name for i, name in enumerate(names[::-1])}
    fig.xaxis.ticker = list(range(k))
    fig.xaxis.major_label_overrides = dict(enumerate(task.data.classes))
    fig.xaxis.major_label_orientation = 0.9
    return bars, fig


def threshold(models: Mapping[str, nn.Module], task: ForgetTask) -> None:
    """Show the scores of forgotten members and never-seen pictures, with a threshold to slide."""
    from bokeh.layouts import column
    from bokeh.models import ColumnDataSource, CustomJS, Div, Select, Slider

    scores = {}
    for name, model in models.items():
        pair = [margin(predict(model, s), s.y) for s in (task.forget, task.test_forget)]
        scores[name] = [[round(v, 2) for v in one.tolist()] for one in pair]
    values = [v for pair in scores.values() for one in pair for v in one if v > -100]
    low, high = float(np.floor(min(values))), float(np.ceil(max(values)))
    edges = np.linspace(low, high, 31).tolist()
    network = Select(title="Network", value=next(iter(models)), options=list(models))
    slider = Slider(title="Threshold", start=low, end=high, step=0.1, value=0)
    said = Div(styles={"font-size": "1rem"}, html_attributes={"role": "status"})
    heights = ColumnDataSource({
        "left": edges[:-1], "right": edges[1:], "inside": [0] * 30, "outside": [0] * 30,
    })  # fmt: skip
    curve, point = (ColumnDataSource({"x": [], "y": []}) for _ in range(2))
    rule, top = _histograms(heights)
    roc = _roc(curve, point)
    change = CustomJS(
        args={"scores": scores, "network": network, "threshold": slider, "curve": curve,
              "point": point, "rule": rule, "edges": edges, "heights": heights, "said": said},
        code=_ATTACK,
    )  # fmt: skip
    for control in (network, slider):
        control.js_on_change("value", change)
    touch(
        column(network, slider, said, top, roc),
        "A figure to touch: slide the threshold of a membership attack on a network. Two "
        "histograms show the margins of forgotten members and of never-seen pictures; a dot "
        "moves along the ROC curve.",
        first=change,
    )


def _histograms(heights: "ColumnDataSource") -> tuple["Span", "figure"]:
    """The margins of both kinds of pictures, and the line of the threshold between them."""
    from bokeh.models import Span
    from bokeh.plotting import figure

    fig = figure(height=220, tools="", x_axis_label="margin", y_axis_label="share of pictures")
    kinds = {"inside": ("#000000", "forgotten members"), "outside": (BLUE, "never seen")}
    for side, (colour, label) in kinds.items():
        fig.quad(left="left", right="right", top=side, bottom=0, source=heights, fill_color=colour,
                 fill_alpha=0.4, line_color=colour, legend_label=label)  # fmt: skip
    fig.legend.location = "top_left"
    rule = Span(location=0, dimension="height", line_color="#D55E00", line_width=3)
    fig.add_layout(rule)
    return rule, fig


def _roc(curve: "ColumnDataSource", point: "ColumnDataSource") -> "figure":
    """The attack's ROC curve, chance as a dashed line, and a dot at the threshold."""
    from bokeh.plotting import figure

    unit = (-0.02, 1.02)
    fig = figure(height=280, tools="", x_axis_label="false positive rate",
                 y_axis_label="true positive rate", x_range=unit, y_range=unit)  # fmt: skip
    fig.line([0, 1], [0, 1], color="#7F7F7F", line_dash="dashed")
    fig.line("x", "y", source=curve, color=BLUE, line_width=2)
    fig.scatter("x", "y", source=point, size=14, color="#D55E00")
    return fig

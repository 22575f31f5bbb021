"""Write the figure to touch of the landing page: a method, an audit, and whether it is caught.

    python tools/break_the_mask.py _build/stage/book/_break_the_mask.md

Everything is drawn, and every sentence made, from the records of the chapter on audits.
"""

import pandas as pd
import piece
from bokeh.layouts import column, row
from bokeh.models import BoxAnnotation, ColumnDataSource, CustomJS, Div, Select
from bokeh.plotting import figure

import kit
from kit.metrics.statistics import prediction_interval
from kit.plots.touch import touch_html

REQUEST = "class:3"
METHODS = {
    "logit_mask": "masking a logit",
    "finetune": "fine-tuning",
    "unsir paper": "UNSIR",
    "unsir no_noise": "UNSIR without noise",
}
AUDITS = {  # column -> what a reader calls it, and the part of the axis to show
    "forget_accuracy": ("forget accuracy", (-0.03, 1)),
    "retain_accuracy": ("retain accuracy", (0.8, 1)),
    "membership_auc": ("membership AUC", (0.4, 0.6)),
    "prototype_recall": ("prototype recall", (0.4, 1)),
    "few_shot_recall": ("few-shot recall", (0.4, 1)),
    "head_forget": ("a fresh head", (0.4, 1)),
    "probe_forget": ("a linear probe", (0.4, 1)),
    "relearn_shot_20": ("relearning from 20 images", (-0.03, 1)),
}
BEYOND = {  # audits that the original does not fail, or not for the reason that one thinks
    "retain_accuracy": "It says what was lost, not what was forgotten.",
    ("logit_mask", "relearn_shot_20"): (
        "But the way back is only barred: no short training undoes a bias that large."
    ),
}
NOTE = (
    "A dot is a network, a stroke the mean of five. The grey band is where a further retrained "
    "network lies in 19 of 20 cases (Student's t)."
)
ALT = (
    "A figure to touch. Choose a method and an audit: dots show its five networks between those "
    "of the original and the retrained ones. By forget accuracy a masked logit is where the "
    "retrained networks are, by prototype recall it is where the original is."
)


def sentence(method: str, audit: str, runs: pd.DataFrame) -> str:
    """What the figure shows, in words."""
    ours, gold, original = (
        runs.loc[runs["arm"] == arm, audit] for arm in (method, "retrain", "original")
    )
    band = prediction_interval(gold)
    outside, lost = (
        int((~values.between(band.low, band.high)).sum()) for values in (ours, original)
    )
    name, said = METHODS[method], AUDITS[audit][0]
    form = "{:.2f}" if audit.endswith("auc") else "{:.1%}"
    here, there, before = (form.format(values.mean()) for values in (ours, gold, original))
    numbers = f"It has {here} on average, retraining {there} and the original {before}."
    more = BEYOND.get((method, audit), BEYOND.get(audit, ""))
    if lost <= len(original) / 2:
        found = f"By <b>{said}</b> nothing is decided: the original lies in the band, too."
    elif outside == 0:
        told = "this measure does not tell it from retraining"
        found = f"By <b>{said}</b>, {name} <b>passes</b>: {told}."
    elif outside == len(ours):
        found = f"By <b>{said}</b>, {name} <b>is caught</b>: all its networks leave the band."
    else:
        leave = "leaves" if outside == 1 else "leave"
        found = f"By <b>{said}</b>, {outside} of {len(ours)} networks of {name} {leave} the band."
    return " ".join(filter(None, (found, numbers, more)))


def views(runs: pd.DataFrame) -> dict[str, dict]:
    """What is drawn for each choice."""
    found = {}
    for audit, (label, (start, end)) in AUDITS.items():
        band = prediction_interval(runs.loc[runs["arm"] == "retrain", audit])
        for method, name in METHODS.items():
            rows = {"retrained": "retrain", name: method, "original": "original"}
            dots = {"x": [], "y": [], "colour": []}
            for called, arm in rows.items():
                values = runs.loc[runs["arm"] == arm, audit].round(4).tolist()
                dots["x"] += values
                dots["y"] += [called] * len(values)
                dots["colour"] += [kit.plots.style(arm)["color"]] * len(values)
            means = pd.Series(dots["x"]).groupby(dots["y"]).mean().round(4)
            found[f"{name}, {label}"] = {
                "dots": dots, "means": {"x": [means[one] for one in rows], "y": list(rows)},
                "low": round(band.low, 4), "high": round(band.high, 4), "start": start, "end": end,
                "label": label, "said": sentence(method, audit, runs),
            }  # fmt: skip
    return found


CHANGE = """
const view = views[method.value + ", " + audit.value];
figure.y_range.factors = view.means.y;
dots.data = view.dots;
means.data = view.means;
band.left = view.low;
band.right = view.high;
figure.x_range.start = view.start;
figure.x_range.end = view.end;
figure.below[0].axis_label = view.label;
said.text = "<p>" + view.said + "</p>";
"""


def widget(runs: pd.DataFrame):
    """The layout: two lists, the figure, and the sentence."""
    known = views(runs)
    first = next(iter(known.values()))
    method = Select(title="Method", value="masking a logit", options=list(METHODS.values()))
    labels = [label for label, _ in AUDITS.values()]
    audit = Select(title="Look at it by", value=labels[0], options=labels)
    dots, means = ColumnDataSource(first["dots"]), ColumnDataSource(first["means"])
    fig = figure(
        height=210, y_range=first["means"]["y"], x_range=(first["start"], first["end"]),
        x_axis_label=first["label"], tools="",
    )  # fmt: skip
    grey = BoxAnnotation(
        left=first["low"], right=first["high"], fill_color="#BFBFBF", fill_alpha=0.45,
        line_color="#7F7F7F",
    )  # fmt: skip
    fig.add_layout(grey)
    fig.scatter("x", "y", source=means, marker="dash", angle=1.5708, size=30, color="#222222")
    fig.scatter("x", "y", source=dots, size=11, color="colour", line_color="white", alpha=0.85)
    fig.below[0].formatter.use_scientific = False
    said = Div(text=f"<p>{first['said']}</p>", html_attributes={"role": "status"})
    said.styles = {"font-size": "1rem"}
    change = CustomJS(
        args={"views": known, "method": method, "audit": audit, "figure": fig, "dots": dots,
              "means": means, "band": grey, "said": said},
        code=CHANGE,
    )  # fmt: skip
    for control in (method, audit):
        control.js_on_change("value", change)
    return column(row(method, audit), fig, said, Div(text=NOTE))


def text() -> str:
    """A piece of Markdown for ``{include}``, made of the records: same records, same bytes."""
    records = kit.results.read("audits")
    runs = records[records["task"] == REQUEST].sort_values("seed")
    return piece.raw(touch_html(widget(runs), ALT))


def main(arguments: list[str] | None = None) -> None:
    piece.main(__doc__, text, arguments)


if __name__ == "__main__":
    main()

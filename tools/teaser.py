"""Draw the picture of the README and of the landing page from the records of the UNSIR chapter.

Twice: three panels beside each other, and below each other for a phone.
"""

import pandas as pd
from chapters import REPOSITORY

import kit

ARMS = {
    "original": "original",
    "retrain": "retrained",
    "logit_mask": "logit masking",
    "unsir paper": "UNSIR",
    "unsir no_noise": "UNSIR without noise",
}
PANELS = {
    "retain_accuracy": "retain accuracy",
    "forget_accuracy": "forget accuracy",
    "prototype_recall": "prototype recall, forgotten class",
}


def main() -> None:
    records = kit.results.read("unsir")
    records = records[records["task"] == "class:3"]
    wide = kit.plots.figure(10, 2.6, len(PANELS), sharey=True)
    narrow = kit.plots.figure(4, 6, 1, len(PANELS), sharex=True)
    for (fig, axes), name in ((wide, "teaser.png"), (narrow, "teaser_phone.png")):
        for axis, (metric, title) in zip(axes, PANELS.items(), strict=True):
            draw(axis, records, metric, title)
        target = REPOSITORY / "book" / "_static" / name
        fig.savefig(target, dpi=160, facecolor="white")
        print(target)


def draw(axis, records: pd.DataFrame, metric: str, title: str) -> None:
    """A bar for each network, a dot for each seed; the dotted line is the retrained network's."""
    for row, name in enumerate(ARMS):
        values = records[records["arm"] == name][metric]
        colour = kit.plots.style(name)["color"]
        axis.barh(row, values.mean(), color=colour, height=0.6, alpha=0.85)
        axis.plot(values, [row] * len(values), "o", mfc="white", mec="black", markersize=4)
        axis.text(values.max() + 0.03, row, f"{values.mean():.0%}", va="center", fontsize=9)
    goal = records[records["arm"] == "retrain"][metric].mean()
    axis.axvline(goal, color="black", linestyle=":", linewidth=1)
    axis.set(xlim=(0, 1.15), xticks=[0, 0.5, 1], yticks=range(len(ARMS)), yticklabels=ARMS.values())
    axis.set_ylim(len(ARMS) - 0.5, -0.5)
    axis.set_title(title, fontsize=11)
    axis.grid(False, axis="y")


if __name__ == "__main__":
    main()

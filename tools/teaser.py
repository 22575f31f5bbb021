"""Draw the picture of the README and of the landing page from the records of the UNSIR chapter."""

from pathlib import Path

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
    fig, axes = kit.plots.figure(10, 2.6, len(PANELS), sharey=True)
    for axis, (metric, title) in zip(axes, PANELS.items(), strict=True):
        for row, name in enumerate(ARMS):
            values = records[records["arm"] == name][metric]
            colour = kit.plots.style(name)["color"]
            axis.barh(row, values.mean(), color=colour, height=0.6, alpha=0.85)
            axis.plot(values, [row] * len(values), "o", mfc="white", mec="black", markersize=4)
            axis.text(values.max() + 0.03, row, f"{values.mean():.0%}", va="center", fontsize=9)
        goal = records[records["arm"] == "retrain"][metric].mean()
        axis.axvline(goal, color="black", linestyle=":", linewidth=1)
        axis.set(xlim=(0, 1.15), xticks=[0, 0.5, 1])
        axis.set_title(title, fontsize=11)
        axis.grid(False, axis="y")
    axes[0].set(yticks=range(len(ARMS)), yticklabels=ARMS.values())
    axes[0].invert_yaxis()
    target = Path(__file__).parent.parent / "book" / "_static" / "teaser.png"
    fig.savefig(target, dpi=160, facecolor="white")
    print(target)


if __name__ == "__main__":
    main()

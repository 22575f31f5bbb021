"""``card``: one row of ``evaluate`` as a picture, each metric against the retrained model's."""

from collections.abc import Mapping

from kit.plots.page import show
from kit.plots.style import SKY, figure, style

# Metric -> what it is called on the card; all are shares in [0, 1].
LINES = {
    "retain_accuracy": "retain accuracy",
    "forget_accuracy": "forget accuracy",
    "retain_agreement": "retain agreement",
    "forget_agreement": "forget agreement",
    "membership_leak": "membership leak",
    "svm_nonmember_rate": "non-members (SVM)",
    "prototype_recall": "prototype recall",
    "few_shot_recall": "few-shot recall",
    "probe_forget": "linear probe",
    "head_forget": "fresh head",
    "relearn_shot_20": "relearning, 20 images",
    "cka_original": "CKA to original",
}


def card(
    row: Mapping[str, float],
    retrained: Mapping[str, float],
    original: Mapping[str, float] | None = None,
    *,
    title: str = "",
) -> None:
    """Show a bullet chart: a bar for the model, a diamond for the retrained one, a grey dot for the
    original. A bar that ends at its diamond is as good as retraining on that line.

    Parameters
    ----------
    row, retrained, original
        rows of ``kit.evaluate``; the retrained model's should be judged against a *second*
        retrained one, so that its agreement is not trivially 1.

    Raises
    ------
    ValueError
        rows without a common metric that the card knows.
    """
    lines = [name for name in LINES if name in row and name in retrained]
    if not lines:
        raise ValueError(f"the rows share no metric of {', '.join(LINES)}")
    fig, axis = figure(6.5, 0.7 + 0.32 * len(lines))
    places = range(len(lines))
    axis.barh(places, [row[n] for n in lines], 0.55, color=SKY, label=title or "this model")
    axis.plot([retrained[n] for n in lines], places, linestyle="", markersize=7, zorder=3,
              label="retrained", **style("retrain"))  # fmt: skip
    if original is not None:
        known = [(original[n], i) for i, n in enumerate(lines) if n in original]
        axis.plot(*zip(*known, strict=True), linestyle="", markersize=5, label="original",
                  **style("original"))  # fmt: skip
    axis.set(yticks=list(places), yticklabels=[LINES[n] for n in lines], xlim=(0, 1.03))
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    said = "; ".join(f"{LINES[n]} {row[n]:.2f}, retrained {retrained[n]:.2f}" for n in lines)
    show(fig, f"Audit card of {title or 'the model'}: {said}.")

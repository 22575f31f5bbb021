"""Evidence: what the project's records say about each method beside retraining.

Every number compares a run with the retrained network of the same seed. Two retrained networks
differ, too: the row of "retrain" compares each with that of the next seed, and is the yardstick.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kit.experiments import results
from kit.metrics.evaluate import KEPT
from kit.metrics.statistics import mean_interval

REFERENCE = "retrain"


@dataclass(frozen=True)
class Looked:
    """Where to look for a task level.

    ``experiments``: the first is preferred, all others equal. ``retain``, ``forget``,
    ``features``: the metrics that stand for what is kept, what is forgotten, and what is left
    inside. ``words``: what these are called.
    """

    experiments: tuple[str, ...]
    retain: str
    forget: str
    features: str
    words: tuple[str, str, str]


LEVELS = {
    "class": Looked(
        ("comparison", "comparison_cifar10", "comparison_imagewoof", "laptop_comparison"),
        "retain_accuracy", "forget_accuracy", "prototype_recall",
        ("accuracy on retained classes", "accuracy on forgotten classes", "prototype recall"),
    ),
    "sample": Looked(
        ("comparison_samples", "comparison_cifar10_samples", "laptop_comparison_samples"),
        "retain_accuracy", "forget_accuracy", "membership_auc",
        ("test accuracy", "accuracy on forgotten images", "membership AUC"),
    ),
    "feature": Looked(
        ("feature_glyph", "feature_mark", "feature_tint", "feature_shape", "feature_cifar10"),
        "balanced_accuracy", "flip_rate", "probe_features",
        ("balanced accuracy", "answers that flip with the feature", "probe of raw images"),
    ),
}  # fmt: skip
PARTS = ("retain", "forget", "features")


def evidence(level: str, images: int | None = None, records: str | None = None) -> pd.DataFrame:
    """What the records say about each method that serves a level.

    Parameters
    ----------
    level
        "class", "sample" or "feature".
    images
        size of one's own training set: of several experiments the one nearest in size is read.
        A method that it lacks is looked up in the others.
    records
        the name of one experiment, to read this one alone.

    Returns
    -------
    DataFrame
        a row a method, with "retrain". ``gap`` is the largest of the distances to the retrained
        network in ``retain``, ``forget`` and ``features``, whose signed differences stand beside
        it; each is a mean over seeds, from 0 to 1, with ``_low`` and ``_high`` of Student's 95 %
        interval, NaN for a single seed. ``untouched``: what is inside reads as in the original, in
        every run. ``relearning``: steps to relearn over those of the
        retrained network, median over seeds. ``passes``: forward and backward, over those of one
        epoch on the training set. ``cost``: passes over those of retraining. ``collapsed`` of
        ``runs``: in all experiments that were read. ``experiment``, ``measured_on``, ``seeds``:
        where the numbers are from.

    Raises
    ------
    ValueError
        no records, or an experiment without a retrained network or of another level.
    """
    looked = LEVELS[level]
    names = (records,) if records else looked.experiments
    found = {name: _aligned(results.read(name), looked) for name in names}
    order = sorted(names, key=lambda name: _distance(found[name], images))
    rows = {}
    for name in order:
        for method, runs in found[name].groupby("method", sort=False):
            if method != "original" and method not in rows:
                rows[method] = _row(runs, found[name], name)
    table = pd.DataFrame(rows).T.infer_objects()
    every = pd.concat(found.values()).groupby("method")["fell"]
    table["collapsed"] = every.sum().astype(int).reindex(table.index)
    table["runs"] = every.size().reindex(table.index)
    return table


def _distance(runs: pd.DataFrame, images: int | None) -> float:
    """Between the sizes of two training sets, as the logarithm of their ratio."""
    return abs(np.log(_images(runs) / images)) if images else 0.0


def _images(runs: pd.DataFrame) -> float:
    """Images in the training set: the original went forward over each once an epoch."""
    original = runs[runs["method"] == "original"].iloc[0]
    return original["forward"] / original["config.recipe"]["epochs"]


def _aligned(runs: pd.DataFrame, looked: Looked) -> pd.DataFrame:
    """One arm a method, with its differences to the retrained network of the same seed.

    A method is taken as it is where that was run, else its first arm. What it filters is judged
    behind its filter.
    """
    name, metrics = runs["experiment"].iloc[0], [getattr(looked, part) for part in PARTS]
    if not {REFERENCE, "original"} <= set(runs["method"]):
        raise ValueError(
            f"{name} has no retrained network, or no original one, to compare with: name another "
            f"experiment"
        )
    if absent := sorted({*metrics, "config.recipe"} - set(runs)):
        raise ValueError(
            f"{name} has not measured {', '.join(absent)}: name an experiment of the same level"
        )
    first = runs.groupby("method")["arm"].transform(
        lambda arms: arms.name if arms.name in set(arms) else arms.iloc[0]
    )
    runs = runs[runs["arm"] == first].copy()
    for part in PARTS:
        metric = getattr(looked, part)
        if f"filtered_{metric}" in runs:
            runs[metric] = runs[f"filtered_{metric}"].fillna(runs[metric])
        runs[part] = runs[metric] - _beside(runs, metric)
    kept = runs[looked.retain]
    runs["fell"] = kept < KEPT * _beside(runs, looked.retain)
    runs["same"] = runs[looked.features] == _beside(runs, looked.features, "original")
    runs["gap"] = runs[list(PARTS)].abs().max(axis=1)
    if "relearn_steps" in runs:
        runs["relearning"] = runs["relearn_steps"] / _beside(runs, "relearn_steps")
    return runs


def _beside(runs: pd.DataFrame, metric: str, method: str = REFERENCE) -> pd.Series:
    """The retrained network's value for each run, or another method's; for a run of that method
    itself, that of the next seed; NaN if there is none."""
    gold = runs[runs["method"] == method].set_index(["task", "seed"])[metric].sort_index()
    following = gold.groupby(level="task").transform(
        lambda values: np.roll(values, -1) if len(values) > 1 else np.nan
    )
    where = pd.MultiIndex.from_frame(runs[["task", "seed"]])
    theirs = np.where(runs["method"] == method, following.reindex(where), gold.reindex(where))
    return pd.Series(theirs, runs.index)


def _row(runs: pd.DataFrame, every: pd.DataFrame, experiment: str) -> dict:
    """The numbers of one method in one experiment."""
    seeds = runs.groupby("seed")
    row = {
        "experiment": experiment,
        "measured_on": ", ".join(runs[["dataset", "model", "task"]].iloc[0]),
        "images": round(_images(every)),
        "seeds": len(seeds),
    }
    for name in ("gap", *PARTS):
        values = seeds[name].mean()
        row[name] = values.mean()
        known = len(values) > 1 and not values.isna().any()
        bounds = mean_interval(values) if known else None
        row[f"{name}_low"] = bounds.low if known else np.nan
        row[f"{name}_high"] = bounds.high if known else np.nan
    row["untouched"] = bool(runs["same"].all())
    row["relearning"] = runs["relearning"].median() if "relearning" in runs else np.nan
    retraining = every[every["method"] == REFERENCE]
    passes = (runs["forward"] + runs["backward"]).mean()
    row["passes"] = passes / (2 * _images(every))
    row["cost"] = passes / (retraining["forward"] + retraining["backward"]).mean()
    return row

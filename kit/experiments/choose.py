"""``choose``: which methods can serve a request, and what the records say about each."""

import copy
from dataclasses import replace

import pandas as pd
import torch
from torch import nn

from kit.experiments.choice import Choice
from kit.experiments.evidence import LEVELS, REFERENCE, evidence
from kit.experiments.serving import Left, Serving, serving
from kit.methods.registry import get, names
from kit.runtime.checks import not_negative, one_of, positive
from kit.runtime.cost import paused
from kit.tasks import ForgetTask
from kit.training.loop import fit
from kit.training.recipes import Recipe

STEPS = 6  # of training that are timed


def choose(
    task: ForgetTask | str,
    model: nn.Module | None = None,
    *,
    retain: float = 1.0,
    forget: float = 1.0,
    budget: float | None = None,
    minutes: float | None = None,
    recipe: Recipe | None = None,
    records: str | None = None,
) -> Choice:
    """The methods for a request: which can serve, and what the project's records say about each.

    Those that can serve come first; then those that collapsed in no run; then those that changed
    what is inside the network; then the smallest ``gap`` to retraining.

    Parameters
    ----------
    task
        the request, or its level alone: "class", "sample" or "feature".
    model
        the network: whether a method works on it, and how long retraining takes here.
    retain, forget
        shares from 0 to 1 of these training images that are still at hand. To forget a feature,
        ``retain`` are images in which it goes with no class, ``forget`` those trained on.
    budget
        passes that can be afforded, in units of one epoch (forward and backward) on the training
        set.
    minutes
        what retraining takes here, where it is known; else a few steps of it are timed, if
        ``model`` and a task are given.
    recipe
        how retraining would train; by default ``Recipe()``.
    records
        an experiment to read in place of the one whose training set is nearest in size.

    Raises
    ------
    ValueError
        a share outside 0 to 1, an unknown level, a negative budget, or no method that can serve:
        the sentence says what the nearest one lacks.
    """
    level = task if isinstance(task, str) else task.level
    request = None if isinstance(task, str) else task
    _check(level, retain, forget, budget, minutes)
    seen = evidence(level, None if request is None else len(request.train), records)
    epochs = _retraining_passes(request, recipe, seen)
    left = Left(retain, forget, level, budget, request, model)
    served = {}
    for name in names(level):
        known = name in seen.index and name != REFERENCE
        passes = epochs if name == REFERENCE else seen["passes"][name] if known else None
        served[name] = serving(get(name), left, passes)
    _require_one(level, served)
    if minutes is None and request is not None and model is not None:
        minutes = retraining_minutes(model, request, recipe)
    table = _table(served, seen, epochs, minutes)
    return Choice(level, table, float(seen["gap"][REFERENCE]), minutes)


def retraining_minutes(model: nn.Module, task: ForgetTask, recipe: Recipe | None = None) -> float:
    """How long it takes here to retrain a network like ``model``, from a few steps on its images.

    A copy is trained for a few steps; ``model`` stays as it is. The whole is the time of one image
    times the images to retain times the epochs of ``recipe``.
    """
    recipe = recipe or Recipe()
    network = copy.deepcopy(model)
    # Steps so small that no network breaks; they take as long as any.
    short = replace(recipe, epochs=1, lr=1e-6)
    count = min(len(task.retain), STEPS * recipe.batch_size)
    few = task.retain.take(torch.arange(count))
    fit(network, few.take(torch.arange(min(count, recipe.batch_size))), short, title="warming up")
    with paused() as meter:
        fit(network, few, short, title="timing")
    return meter.seconds / count * len(task.retain) * recipe.epochs / 60


def _check(
    level: str, retain: float, forget: float, budget: float | None, minutes: float | None
) -> None:
    one_of("task", level, LEVELS)
    for name, share in {"retain": retain, "forget": forget}.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is a share of images from 0 to 1, got {share}")
    if budget is not None:
        not_negative(budget=budget)
    if minutes is not None:
        positive(minutes=minutes)


def _retraining_passes(task: ForgetTask | None, recipe: Recipe | None, seen: pd.DataFrame) -> float:
    """Of retraining, in units of an epoch on the training set; that of the records if nothing is
    known here."""
    if task is None:
        return recipe.epochs if recipe else seen["passes"][REFERENCE]
    return (recipe or Recipe()).epochs * len(task.retain) / len(task.train)


def _require_one(level: str, served: dict[str, Serving]) -> None:
    """Refuse where nothing can serve, and say what the nearest method lacks."""
    if not any(one.can for one in served.values()):
        nearest = min(served, key=lambda name: served[name].shortage)
        raise ValueError(
            f"no method for requests of level {level!r} can serve with what is left; the nearest, "
            f"{nearest}, {served[nearest].why}"
        )


def _table(
    served: dict[str, Serving], seen: pd.DataFrame, epochs: float, minutes: float | None
) -> pd.DataFrame:
    """A row a method, the most useful first."""
    rows = {
        "serves": {name: one.can for name, one in served.items()},
        "why": {name: one.why for name, one in served.items()},
        "settings": {name: one.settings for name, one in served.items()},
    }
    # What was measured with more images says nothing about a method that gets fewer.
    as_measured = [name for name in served if name in seen.index and not served[name].settings]
    table = pd.DataFrame(rows).join(seen.loc[as_measured])
    if REFERENCE in as_measured:
        table.loc[REFERENCE, "passes"] = epochs
    table["cost"] = table["passes"] / epochs
    table["minutes"] = table["cost"] * (float("nan") if minutes is None else minutes)
    key = pd.DataFrame({
        "refused": ~table["serves"].astype(bool),
        "fell": table["collapsed"].fillna(0) > 0,
        "untouched": table["untouched"].fillna(False).astype(bool),
        "gap": table["gap"].astype(float),
    })  # fmt: skip
    return table.loc[key.sort_values(list(key)).index].rename_axis("method")

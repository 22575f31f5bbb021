"""Experiments of kind "shadows": a method audited by many networks that each serve a request."""

from pathlib import Path

from kit import methods, shadows
from kit.datasets import ImageData
from kit.experiments.experiment import (
    Experiment,
    Outcome,
    Request,
    Run,
    digest,
    request_name,
    settings,
)
from kit.methods.unlearn import Unlearned
from kit.runtime.cost import measure as measured


def request(experiment: Experiment, data: ImageData, classes: list[int]) -> Request:
    """Classes, or ``kit.shadows.FORGET`` single images; every shadow draws its own."""
    classes = sorted(classes)
    name = request_name(classes, shadows.FORGET)
    return Request(name, digest([classes, experiment.shadows]), classes)


def config(experiment: Experiment, arm: dict):
    """The settings of the method, {} for the two trained arms; ``ValueError`` for unknown ones."""
    if arm["method"] in ("original", "retrain"):
        return {}
    return methods.get(arm["method"]).configure(**settings(arm))


def measure(run: Run, root: Path) -> Outcome:
    """Train the shadows, let each serve its request, attack."""
    model, options = run.experiment.network
    how = config(run.experiment, run.arm)
    with measured() as meter:
        task, metrics = shadows.audit(
            run.data, run.request.classes, run.arm["method"], settings(run.arm), model=model,
            recipe=run.experiment.full_recipe, seed=run.seed, **run.experiment.shadows, **options,
        )  # fmt: skip
    cost = {"seconds": meter.seconds, "passes": dict(meter.passes)}
    return Outcome(task, Unlearned(run.arm["method"], None, how, run.seed, **cost), metrics)

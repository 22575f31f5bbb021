"""One flat row of numbers about one model whose task is to forget a feature."""

from functools import partial

from torch import nn

from kit.metrics.comes_back.relearn import reliance_steps
from kit.metrics.feature.leakage import hidden_probe, image_adversary, layer_leakage, mask_adversary
from kit.metrics.feature.masks import gradcam_share, mask_quality
from kit.metrics.feature.reliance import counterfactual, reliance_gap
from kit.metrics.inside.distance import weight_distance
from kit.metrics.undefined import explained, number, or_nan
from kit.tasks import FeatureTask


def evaluate_feature(
    model: nn.Module,
    task: FeatureTask,
    *,
    image_filter: nn.Module | None = None,
    reference: nn.Module | None = None,
    original: nn.Module | None = None,
    audits: str = "fast",
    seed: int = 0,
) -> dict[str, float]:
    """Judge a model on raw images, and behind the filter that a method ships with it.

    Of several attributes each has its own columns, which begin with its name.

    Returns
    -------
    a dict of floats:

    always, and behind a filter again as ``filtered_...``:
        ``aligned_accuracy``, ``balanced_accuracy``, ``reversed_accuracy``, ``reliance_gap``;
        ``flip_rate``, ``flip_js``, ``sensitivity`` (``metrics/feature/reliance.py``).
    with a filter, of an attribute that has a box:
        ``removed``, ``collateral``, ``energy_in_box``, ``mask_iou`` (``metrics/feature/masks.py``).
    with ``reference`` or ``original``:
        ``distance_reference``, ``distance_original``, L2 of the weights.
    with ``audits="features"``:
        ``probe_<layer>`` for each layer, ``hidden_probe`` (``kit.metrics.feature.leakage``), and
        ``gradcam_share``; with a filter ``image_adversary``, ``mask_adversary``.
    with ``audits="relearn"`` or "full" (which has all), ``reference`` and ``original``:
        ``reliance_steps`` until half of the original's gap is back.

    Photographs, whose attributes cannot be drawn, have ``test_accuracy``, ``balanced_accuracy`` and
    the probes. What cannot be computed is NaN, and one warning says which numbers and why.
    """
    with explained():
        return _row(model, task, image_filter, reference, original, audits, seed)


def _row(
    model: nn.Module, task: FeatureTask, image_filter: nn.Module | None,
    reference: nn.Module | None, original: nn.Module | None, audits: str, seed: int,
) -> dict[str, float]:  # fmt: skip
    row = {}
    for k, name in enumerate(task.attributes):
        prefix = f"{name}_" if len(task.attributes) > 1 else ""
        found = _behaviour(model, task, None, k)
        if image_filter is not None:
            behind = _behaviour(model, task, image_filter, k)
            found |= {f"filtered_{key}": value for key, value in behind.items()}
            if task.can_draw and task.boxes(k) is not None:
                found |= mask_quality(image_filter, task, k)
        if audits in ("features", "full"):
            found |= _inside(model, task, image_filter, k, seed)
        row |= {prefix + key: value for key, value in found.items()}
    if reference is not None:
        row |= number("distance_reference", lambda: weight_distance(model, reference))
    if original is not None:
        row |= number("distance_original", lambda: weight_distance(model, original))
    if audits in ("relearn", "full") and task.can_draw:
        goal = reliance_gap(original, task)["reliance_gap"] / 2
        row["reliance_steps"] = reliance_steps(model, task, goal, seed=seed)
    return row


def _behaviour(
    model: nn.Module, task: FeatureTask, image_filter: nn.Module | None, k: int
) -> dict[str, float]:
    found = reliance_gap(model, task, image_filter)
    if task.can_draw:
        found |= counterfactual(model, task.pairs(k), image_filter)
    return found


def _inside(
    model: nn.Module, task: FeatureTask, image_filter: nn.Module | None, k: int, seed: int
) -> dict[str, float]:
    layers = [*model.stages, "features", "logits"]
    found = or_nan(
        [f"probe_{name}" for name in layers],
        lambda: {f"probe_{n}": v for n, v in layer_leakage(model, task, k, seed=seed).items()},
    )
    found |= number("hidden_probe", lambda: hidden_probe(model, task, k, seed=seed))
    if task.can_draw and task.boxes(k) is not None:
        found |= number("gradcam_share", lambda: gradcam_share(model, task, k))
    if image_filter is not None:
        later = seed + 7000  # an adversary that no method has met
        for adversary in (image_adversary, mask_adversary):
            measure = partial(adversary, model, task, image_filter, k, seed=later)
            found |= number(adversary.__name__, measure)
    return found

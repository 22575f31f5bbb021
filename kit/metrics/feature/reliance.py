"""Does a network's answer hang on a feature? Asked with images that differ in nothing else.

The feature is visible in the image, so a network may well *see* it; these measures ask whether it
*decides*. The good value is that of a network retrained with the feature independent of the class.
"""

from statistics import fmean

import torch
from torch import Tensor, nn

from kit.datasets.split import Split, synthetic
from kit.metrics.answers.accuracy import accuracy, agreement
from kit.metrics.answers.behaviour import js_divergence
from kit.tasks import FeatureTask
from kit.training import infer, predict


def filtered(split: Split, image_filter: nn.Module | None) -> Split:
    """The images after ``image_filter``; as they are if there is none."""
    if image_filter is None:
        return split
    return synthetic(split, infer(image_filter, image_filter, split), split.y)


def reliance_gap(
    model: nn.Module, task: FeatureTask, image_filter: nn.Module | None = None
) -> dict[str, float]:
    """Test accuracy with the feature as in training, independent, and the other way round.

    Returns
    -------
    ``aligned_accuracy``, ``balanced_accuracy``, ``reversed_accuracy`` in [0, 1], and
    ``reliance_gap``, the first minus the last.

    Of photographs, whose attributes cannot be drawn anew: ``test_accuracy`` on the test images as
    they are, and ``balanced_accuracy`` as if all combinations of class and attributes were equally
    frequent, the mean of their accuracies. A constant answer has 1 / classes of it.
    """
    if not task.can_draw:
        said = predict(model, filtered(task.test, image_filter))
        return {
            "test_accuracy": accuracy(said, task.test.y),
            "balanced_accuracy": _over_groups(said, task.test.y, task.test_values),
        }
    views = {"balanced": task.test, "aligned": task.aligned, "reversed": task.reversed}
    row = {
        f"{name}_accuracy": accuracy(predict(model, filtered(split, image_filter)), split.y)
        for name, split in views.items()
    }
    return row | {"reliance_gap": row["aligned_accuracy"] - row["reversed_accuracy"]}


def _over_groups(said: Tensor, classes: Tensor, values: Tensor) -> float:
    """Mean accuracy over the combinations of class and values, logits ``[n, classes]``."""
    groups = torch.cat([classes[:, None], values], dim=1).unique(dim=0, return_inverse=True)[1]
    return fmean(accuracy(said[groups == g], classes[groups == g]) for g in groups.unique())


def counterfactual(
    model: nn.Module, pair: tuple[Split, Split], image_filter: nn.Module | None = None
) -> dict[str, float]:
    """What changes when nothing but the feature changes.

    Parameters
    ----------
    pair
        ``task.pairs()``: the same images without and with the feature.

    Returns
    -------
    ``flip_rate``: share of images whose predicted class changes; ``flip_js``: mean Jensen-Shannon
    divergence of the two predictions, in nats; ``sensitivity``: mean of the change of the logits
    over that of the input, both Euclidean (Gu et al., Ferrari, NeurIPS 2024).
    """
    without, with_ = (filtered(split, image_filter) for split in pair)
    first, second = predict(model, without), predict(model, with_)
    moved = torch.cat([
        (a.inputs() - b.inputs()).flatten(1).norm(dim=1)
        for a, b in zip(_chunks(pair[0]), _chunks(pair[1]), strict=True)
    ])  # fmt: skip
    return {
        "flip_rate": 1 - agreement(first, second),
        "flip_js": js_divergence(first, second),
        "sensitivity": ((first - second).norm(dim=1) / moved.clamp_min(1e-6)).mean().item(),
    }


def _chunks(split: Split) -> list[Split]:
    return [split.take(rows) for rows in torch.arange(len(split)).split(500)]

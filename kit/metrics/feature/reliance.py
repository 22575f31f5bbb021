"""Does a network's answer hang on a feature? Asked with images that differ in nothing else.

The feature is visible in the image, so a network may well *see* it; these measures ask whether it
*decides*. The good value is that of a network retrained with the feature independent of the class.
"""

import torch
from torch import nn

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
    ``reliance_gap``, the first minus the last. Of photographs only the second.
    """
    views = {"balanced": task.test}
    if task.can_draw:
        views |= {"aligned": task.aligned, "reversed": task.reversed}
    row = {
        f"{name}_accuracy": accuracy(predict(model, filtered(split, image_filter)), split.y)
        for name, split in views.items()
    }
    if task.can_draw:
        row["reliance_gap"] = row["aligned_accuracy"] - row["reversed_accuracy"]
    return row


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

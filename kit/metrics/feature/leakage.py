"""What a fresh adversary can still read of a feature: off the layers of a network, off images.

Each adversary is trained after unlearning, on images in which the feature is independent of the
class, and judged on such test images, where guessing scores 0.5. The feature can be *seen* in the
image, and even the layers of an untrained network pass it on: the good value is that of the
retrained network, not 0.5.
"""

import torch
from torch import Tensor, nn

from kit.datasets.split import Split, synthetic
from kit.metrics.feature.reliance import filtered
from kit.metrics.inside.features import average_and_peak, features, stage_features
from kit.metrics.inside.probes import HEAD, fit_probe
from kit.metrics.undefined import Undefined
from kit.models import Classifier
from kit.parts.adversary import ADVERSARY, attribute_loss, train_adversary, with_values
from kit.runtime.device import seeded
from kit.tasks import FeatureTask
from kit.training import Recipe, fit, infer, predict

PROBE_IMAGES = 3000  # that probes are trained on
HIDDEN = 64  # units of the probe with a hidden layer


def layer_leakage(
    model: Classifier, task: FeatureTask, attribute: int = 0, *, images: int = PROBE_IMAGES,
    seed: int = 0,
) -> dict[str, float]:  # fmt: skip
    """Accuracy of a linear probe for the feature on each layer, shallow to deep.

    It sees the mean and the peak of each channel of a stage; then the features; then the logits.

    Returns
    -------
    name of the layer, "features" and "logits" -> accuracy on the test images.
    """
    known, values = _sample(task, attribute, images, seed)
    layers = {}
    for part, split in (("known", known), ("asked", task.test)):
        found = stage_features(model, split, average_and_peak)
        found |= {"features": features(model, split), "logits": predict(model, split)}
        layers[part] = found
    return {
        name: _score(layers["known"][name], values, layers["asked"][name], task, attribute)
        for name in layers["known"]
    }


def hidden_probe(
    model: Classifier, task: FeatureTask, attribute: int = 0, *, images: int = PROBE_IMAGES,
    seed: int = 0,
) -> float:  # fmt: skip
    """Accuracy of a probe with a hidden layer for the feature, on the inputs of the last layer."""
    known, values = _sample(task, attribute, images, seed)

    def frozen(split: Split) -> Split:  # standardised features as images of one pixel
        return synthetic(split, ((features(model, split) - mean) / std)[..., None, None], split.y)

    read = features(model, known)
    if len(read) < 2:
        raise Undefined("a probe needs at least two images to learn from")
    mean, std = read.mean(0), read.std(0).clamp_min(1e-6)
    with seeded(seed):
        probe = nn.Sequential(
            nn.Flatten(), nn.Linear(read.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1)
        )
    labelled = with_values(frozen(known), values[:, None])
    fit(probe, labelled, HEAD, seed=seed, loss=attribute_loss(1), title="probe")
    return _right(probe, frozen(task.test), task.test_values[:, attribute])


def image_adversary(
    model: Classifier, task: FeatureTask, image_filter: nn.Module | None = None,
    attribute: int = 0, *, recipe: Recipe = ADVERSARY, seed: int = 0,
) -> float:  # fmt: skip
    """Accuracy of a new network of the model's architecture that reads the feature off the images.

    Trained and judged on filtered images: what ``image_filter`` lets through, whoever looks.
    """
    values = task.retain_values[:, attribute, None]
    adversary = _trained(model, filtered(task.retain, image_filter), values, recipe, seed)
    return _right(adversary, filtered(task.test, image_filter), task.test_values[:, attribute])


def mask_adversary(
    model: Classifier, task: FeatureTask, image_filter: nn.Module, attribute: int = 0, *,
    recipe: Recipe = ADVERSARY, seed: int = 0,
) -> float:  # fmt: skip
    """As ``image_adversary``, but all it sees is the mask: does the hole tell what was there?"""

    def masks(split: Split) -> Split:
        channels = split.pixels.shape[1]
        seen = infer(image_filter, image_filter.mask, split)
        return synthetic(split, seen.expand(-1, channels, -1, -1), split.y)

    values = task.retain_values[:, attribute, None]
    adversary = _trained(model, masks(task.retain), values, recipe, seed)
    return _right(adversary, masks(task.test), task.test_values[:, attribute])


def _trained(
    model: Classifier, split: Split, values: Tensor, recipe: Recipe, seed: int
) -> nn.Module:
    try:
        return train_adversary(model, split, values, seed=seed, recipe=recipe)
    except ValueError as error:  # a network that cannot be made anew
        raise Undefined(str(error)) from error


def _sample(task: FeatureTask, attribute: int, images: int, seed: int) -> tuple[Split, Tensor]:
    order = torch.randperm(len(task.retain), generator=torch.Generator().manual_seed(seed))[:images]
    return task.retain.take(order), task.retain_values[order, attribute]


def _score(
    known: Tensor, values: Tensor, asked: Tensor, task: FeatureTask, attribute: int
) -> float:
    probe, standardise = fit_probe(known, values)
    return float(probe.score(standardise(asked), task.test_values[:, attribute].numpy()))


def _right(adversary: nn.Module, split: Split, values: Tensor) -> float:
    return ((predict(adversary, split)[:, 0] > 0) == values.bool()).double().mean().item()

"""What the layers of a network make of images: the input of the audits that look inside."""

from collections.abc import Callable

import torch
from torch import Tensor

from kit.datasets.split import Split
from kit.models import Classifier
from kit.models.base import check_classifier
from kit.models.hooks import listening
from kit.models.stages import channels_first
from kit.training import infer


def features(model: Classifier, split: Split) -> Tensor:
    """The inputs of the last layer for all images of a split, float32 ``[n, width]`` on the CPU.

    Raises
    ------
    ValueError
        a network that was not wrapped.
    """
    if not hasattr(model, "features"):
        check_classifier(model)
    found = infer(model, model.features, split)
    if found.dim() != 2:
        shape = tuple(found.shape[1:])
        raise ValueError(
            f"the network's features(x) gives {shape} for an image, not a vector: wrap it, "
            f"kit.models.wrap(make, task)"
        )
    return found


def average(maps: Tensor) -> Tensor:
    """Maps ``[B, C, H, W]`` -> the mean of each channel, ``[B, C]``."""
    return maps.mean((2, 3))


def average_and_peak(maps: Tensor) -> Tensor:
    """Maps ``[B, C, H, W]`` -> mean and maximum of each channel, ``[B, 2 C]``."""
    return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1)


def stage_features(
    model: Classifier, split: Split, pool: Callable[[Tensor], Tensor] = average
) -> dict[str, Tensor]:
    """The output of each of ``model.stages``, pooled over the image: name -> float32 ``[n, width]``
    on the CPU, shallow to deep; ``ValueError`` for a network that was not wrapped."""
    check_classifier(model)
    caught: dict[str, Tensor] = {}

    def forward(x: Tensor) -> Tensor:
        def catch(name: str, inputs: tuple, output: Tensor) -> None:
            maps = channels_first(output, x)
            caught[name] = pool(maps) if maps.dim() == 4 else maps.flatten(1)

        with listening(model, model.stages, catch):
            model(x)
        return torch.cat(list(caught.values()), 1)

    everything = infer(model, forward, split)
    parts = everything.split([part.shape[1] for part in caught.values()], 1)
    return dict(zip(caught, parts, strict=True))

"""``Classifier``: what every network of the kit has in common."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn


class Shape(Protocol):
    """What a network is built for: a ``ForgetTask`` or ``ImageData`` says it."""

    in_channels: int
    image_size: int
    num_classes: int


class Classifier(nn.Module):
    """A feature extractor and a linear head: ``forward(x) == head(features(x))``.

    ``features(x)`` maps images ``[B, channels, S, S]`` to ``[B, width]``; ``head`` is an
    ``nn.Linear`` from ``width`` to the number of classes; ``stages`` names the sub-modules whose
    outputs are worth looking at, shallow to deep.
    """

    head: nn.Linear
    stages: list[str]
    # Set by kit.models.build: makes the same architecture with fresh weights from a seed.
    rebuild: Callable[[int], "Classifier"]

    def features(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


class Wrapped(Classifier):
    """A backbone that ends in features, and a new linear head on it."""

    def __init__(self, backbone: nn.Module, width: int, num_classes: int, stages: list[str]):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(width, num_classes)
        self.stages = [f"backbone.{name}" for name in stages]

    def features(self, x: Tensor) -> Tensor:
        return self.backbone(x)

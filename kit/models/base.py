"""``Classifier``: what every network of the kit has in common."""

from collections.abc import Callable
from typing import Protocol

import torch
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
    # How the network's tensors lie best: channels last is faster, but not every network takes it.
    memory_format: torch.memory_format = torch.channels_last
    # Set by kit.models.build: makes the same architecture with fresh weights from a seed.
    rebuild: Callable[[int], "Classifier"]

    def features(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    def replace_head(self, head: nn.Module) -> None:
        """Put another last layer in the place of this one, of the same kind."""
        self.head = head


def memory_format(model: nn.Module) -> torch.memory_format:
    """How the tensors of a network and its images are to lie in memory."""
    return getattr(model, "memory_format", torch.channels_last)


def check_classifier(model: nn.Module) -> None:
    """Refuse a network that lacks the kit's names for its parts.

    Raises
    ------
    ValueError
        it has no ``head``, ``features`` or ``stages``.
    """
    lacking = [part for part in ("head", "features", "stages") if not hasattr(model, part)]
    if lacking:
        raise ValueError(
            f"the network {type(model).__name__} has no {' and no '.join(lacking)}: wrap it, "
            f"kit.models.wrap(lambda: {type(model).__name__}(...), task, state=net.state_dict())"
        )


class Wrapped(Classifier):
    """A backbone that ends in features, and a new linear head on it."""

    def __init__(self, backbone: nn.Module, width: int, num_classes: int, stages: list[str]):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(width, num_classes)
        self.stages = [f"backbone.{name}" for name in stages]

    def features(self, x: Tensor) -> Tensor:
        return self.backbone(x)

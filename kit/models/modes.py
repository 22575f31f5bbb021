"""Eval mode for a while: every part of a network gets its own mode back."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """Inside the ``with`` the network is in eval mode, afterwards each part in the mode it had."""
    training = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield model
    finally:
        for part, mode in training:
            part.training = mode

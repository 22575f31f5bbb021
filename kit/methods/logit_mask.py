"""Masking logits: set the bias of the forgotten classes so low that they are never predicted.

    b_c <- -10^4  for every forgotten class c

Not unlearning at all, and that is its use: it reaches zero accuracy on the forgotten classes, keeps
the others as they are, needs no data and no time. A claim that masking passes too is a claim about
outputs, not about what the network knows.

Needs    nothing but the class indices.
Cost     nothing.
"""

from dataclasses import dataclass

import torch
from torch import nn

from kit.methods import Needs, TaskView, register
from kit.models.heads import editable_head

MASKED = -1e4  # finite, so that weights and losses stay finite; softmax gives exactly 0


@dataclass(frozen=True)
class Config:
    """There is nothing to set."""


@register("logit_mask", level=("class",), needs=Needs(), paper="", config=Config)
def logit_mask(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Overwrite one bias per forgotten class."""
    mask_logits(model, view.forget_classes)
    return {}


@torch.no_grad()
def mask_logits(model: nn.Module, classes: list[int]) -> None:
    """Put the answers of these classes out of reach.

    Raises
    ------
    ValueError
        a last layer without a bias, or whose answers pass through a ReLU.
    """
    head = editable_head(model, bias=True)
    if getattr(head, "rectified", False):
        raise ValueError("a ReLU follows the last layer: no bias puts a class out of reach")
    head.bias[classes] = MASKED

"""Selective synaptic dampening: shrink the weights that matter more to the forgotten images.

Foster, Schoepf and Brintrup, "Fast Machine Unlearning Without Retraining Through Selective
Synaptic Dampening", AAAI 2024 (arXiv:2308.07707). Importances I are mean squared gradients over the
forgotten images (f) and over all images (d); no training takes place:

    theta_j <- min(lambda I_d,j / I_f,j, 1) * theta_j   where  I_f,j > alpha I_d,j

Because the forgotten images are among all images, I_d >= q I_f with q = |D_f| / |D|: the ratio
never exceeds 1 / q, and alpha = 10, the published value, selects nothing when one class of ten is
to go.
The authors' code squares the mean gradient of a *batch* (``importance="batch"``), which depends on
batch size and order; ours takes single images and depends on neither.

Needs    all images, once; those over all images can be kept from training.
Cost     a forward and backward pass over all images.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kit.importance import batch_gradients, squared_gradients
from kit.methods.access import Needs, TaskView
from kit.methods.registry import register
from kit.splits import Split
from kit.training import device


@dataclass(frozen=True)
class Config:
    """Settings; alpha selects, lambda (``dampening``) shrinks."""

    alpha: float = 5.0
    dampening: float = 0.1
    importance: str = "image"  # or "batch"
    batch_size: int = 64  # with "batch"

    def __post_init__(self):
        if self.importance not in ("image", "batch"):
            raise ValueError(f'importance must be "image" or "batch", got {self.importance!r}')
        if self.alpha <= 0 or self.dampening < 0:
            raise ValueError("alpha must be positive and dampening not negative")

    @classmethod
    def paper(cls, **options) -> "Config":
        """The authors' values for ResNet-18, where the forgotten images are few among all."""
        return cls(**{"alpha": 10.0, "dampening": 1.0, "importance": "batch"} | options)


@register(
    "ssd",
    level=("class", "sample"),
    needs=Needs(retain="all", forget="all"),
    paper="foster2024fast",
    config=Config,
    grid={"alpha": (1.2, 1.5, 2.0, 3.0, 5.0, 8.0), "dampening": (0.1, 1.0)},
)
def ssd(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Importances, then one multiplication; the history holds the share of weights dampened."""
    forget, retain = (importances(model, s, config) for s in (view.forget, view.retain))
    share = len(view.forget) / (len(view.forget) + len(view.retain))
    everything = {n: share * forget[n] + (1 - share) * retain[n] for n in forget}
    dampened = total = 0
    with torch.no_grad():
        for name, weight in model.named_parameters():
            chosen = forget[name] > config.alpha * everything[name]
            factor = (config.dampening * everything[name] / forget[name]).clamp(max=1)
            weight.copy_(torch.where(chosen, factor * weight, weight))
            dampened, total = dampened + int(chosen.sum()), total + weight.numel()
    return {"dampened": [dampened / total]}


def importances(model: nn.Module, split: Split, config: Config) -> dict[str, Tensor]:
    """Mean squared gradient of every weight, over images or over batches."""
    if config.importance == "image":
        return squared_gradients(model, split)
    batches = math.ceil(len(split) / config.batch_size)
    total = {name: torch.zeros_like(p) for name, p in model.to(device()).named_parameters()}
    for gradients in batch_gradients(model, split, config.batch_size, "mean"):
        for name, gradient in gradients.items():
            total[name] += gradient.square() / batches
    return total

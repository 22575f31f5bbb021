"""Selective synaptic dampening: shrink the weights that matter more to the forgotten images.

Foster, Schoepf and Brintrup, "Fast Machine Unlearning Without Retraining Through Selective
Synaptic Dampening", AAAI 2024 (arXiv:2308.07707). Importances I are mean squared gradients over the
forgotten images (f) and over all images (d); no training takes place:

    theta_j <- min(lambda I_d,j / I_f,j, 1) * theta_j   where  I_f,j > alpha I_d,j

Because the forgotten images are among all images, I_d >= q I_f with q = |D_f| / |D|: the ratio
never exceeds 1 / q, and alpha = 10, the published value, selects nothing when one class of ten is
to go.
The authors' code squares the mean gradient of a *batch* (``importance="batch"``), which depends on
batch size and order, and has no such bound: gradients of a shuffled batch cancel, those of one
class do not. There alpha = 10 can select weights all the same. Ours takes single images.

Needs    all images, once; those over all images can be kept from training.
Cost     a forward and backward pass over all images; over the forgotten ones twice with "batch".
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.parts.freezing import trainable
from kit.parts.importance import batch_gradients, squared_gradients
from kit.runtime.checks import not_negative, one_of, positive
from kit.runtime.device import device


@dataclass(frozen=True)
class Config:
    """Settings; alpha selects, lambda (``dampening``) shrinks."""

    alpha: float = 5.0
    dampening: float = 0.1
    importance: str = "image"  # or "batch"
    batch_size: int = 64  # with "batch"

    def __post_init__(self):
        one_of("importance", self.importance, ("image", "batch"))
        positive(alpha=self.alpha)
        not_negative(dampening=self.dampening)

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
    toy={"alpha": 3.0, "dampening": 1.0},
)
def ssd(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Importances, then one multiplication; the history holds the share of weights dampened."""
    forget = importances(model, view.forget, config)
    everything = importances_of_all(model, view, forget, config, seed)
    dampened = total = 0
    with torch.no_grad():
        for name, weight in trainable(model).items():
            chosen = forget[name] > config.alpha * everything[name]
            factor = (config.dampening * everything[name] / forget[name]).clamp(max=1)
            weight.copy_(torch.where(chosen, factor * weight, weight))
            dampened, total = dampened + int(chosen.sum()), total + weight.numel()
    return {"dampened": [dampened / total]}


def importances_of_all(
    model: nn.Module, view: TaskView, forget: dict[str, Tensor], config: Config, seed: int
) -> dict[str, Tensor]:
    """Importances over forgotten and retained images together.

    Image by image they are the mean of the two parts'. Batch by batch they are not: the images of
    both are shuffled, and a batch's mean gradient is small where the network has converged.
    """
    count = len(view.forget) + len(view.retain)
    if config.importance == "image":
        retain, share = importances(model, view.retain, config), len(view.forget) / count
        return {n: share * forget[n] + (1 - share) * retain[n] for n in forget}
    rows = torch.cat([view.forget.rows, view.retain.rows])
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return importances(model, replace(view.retain, rows=rows[order], kind="train"), config)


def importances(model: nn.Module, split: Split, config: Config) -> dict[str, Tensor]:
    """Mean squared gradient of every weight, over images or over batches."""
    if config.importance == "image":
        return squared_gradients(model, split)
    batches = math.ceil(len(split) / config.batch_size)
    total = {name: torch.zeros_like(p) for name, p in trainable(model.to(device())).items()}
    for gradients in batch_gradients(model, split, config.batch_size, "mean"):
        for name, gradient in gradients.items():
            total[name] += gradient.square() / batches
    return total

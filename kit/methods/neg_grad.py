"""Gradient ascent on the forgotten images: NegGrad, and NegGrad+ beside the retained ones.

NegGrad (Thudi et al. 2022, and folklore) climbs the loss that training went down; nothing keeps the
rest of the network in place. NegGrad+ (Kurmanji et al. 2023, arXiv:2302.09880) does both at once:

    minimise  alpha * E_{D_r} CE(f(x), y) - (1 - alpha) * E_{D_f} CE(f(x), y)

Each step takes one batch of retained images and one of forgotten ones, again and again. Cross-
entropy has no upper bound, so an image is pushed no further once its loss reaches log K, that of a
guess among K classes (``cap``). The forgotten images pass in eval mode: they must go wrong on the
statistics that the network uses, and leave no trace in them.

Needs    all forgotten images; "plus" all retained ones, too.
Cost     "plus": ``epochs`` passes over the retained images and as many over forgotten batches;
         "ascent": ``epochs`` passes over the forgotten images.

Variants
    "plus"      NegGrad+.
    "ascent"    NegGrad: the second term alone.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.models.modes import evaluating
from kit.runtime.checks import one_of
from kit.runtime.cost import count_passes
from kit.runtime.device import device
from kit.training import Loss, constant_rate, cut, fit

VARIANTS = ("plus", "ascent")


@dataclass(frozen=True)
class Config:
    """Settings; SGD with momentum 0.9 and weight decay 5e-4."""

    variant: str = "plus"
    alpha: float = 0.99  # "plus": weight of the retained images
    epochs: int = 1
    lr: float = 0.02
    batch_size: int = 128
    cap: bool = True

    def __post_init__(self):
        one_of("variant", self.variant, VARIANTS)
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha must lie between 0 and 1, got {self.alpha}")

    @property
    def needs(self) -> Needs:
        return Needs(retain="all" if self.variant == "plus" else None, forget="all")

    @classmethod
    def paper(cls, **options) -> "Config":
        """The values of the SCRUB authors' notebooks at small scale; nothing is capped."""
        return cls(**{"alpha": 0.95, "lr": 0.01, "epochs": 10, "cap": False} | options)


@register(
    "neg_grad",
    level=("class", "sample"),
    paper="kurmanji2023towards",
    config=Config,
    grid={"alpha": (0.9, 0.95, 0.99), "lr": (0.005, 0.01, 0.02, 0.05), "epochs": (1, 2)},
    toy={"epochs": 4, "lr": 0.02, "alpha": 0.9, "batch_size": 32},
)
def neg_grad(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Ascend on the forgotten images, and descend on the retained ones if the variant does."""
    recipe = constant_rate(config.epochs, config.lr, config.batch_size)
    if config.variant == "ascent":

        def climb(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
            return -pushed(model(x), y, config.cap)

        history = fit(
            model, view.forget, recipe, seed=seed, loss=climb, eval_mode=True, title="ascent"
        )
        return {"loss": history.loss}
    batches = endless(view.forget, config.batch_size, seed)
    loss = both_ways(batches, config)
    return {"loss": fit(model, view.retain, recipe, seed=seed, loss=loss, title="NegGrad+").loss}


def both_ways(forgotten: Iterator[tuple[Tensor, Tensor]], config: Config) -> Loss:
    """Down on the batch at hand, up on the next forgotten one."""

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        descent = F.cross_entropy(model(x).float(), y)
        forget_x, forget_y = next(forgotten)
        count_passes("forget", forward=len(forget_x), backward=len(forget_x))
        with evaluating(model):
            ascent = pushed(model(forget_x), forget_y, config.cap)
        return config.alpha * descent - (1 - config.alpha) * ascent

    return loss


def pushed(logits: Tensor, y: Tensor, cap: bool) -> Tensor:
    """Mean cross-entropy of ``[B, K]`` logits, of each image at most log K with ``cap``."""
    ce = F.cross_entropy(logits.float(), y, reduction="none")
    return (ce.clamp_max(math.log(logits.shape[1])) if cap else ce).mean()


def endless(split: Split, batch_size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of inputs and labels, shuffled anew each time the split has been through."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        for rows in cut(torch.randperm(len(split), generator=generator), batch_size):
            part = split.take(rows)
            yield part.inputs().to(device()), part.y.to(device())

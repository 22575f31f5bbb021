"""SalUn: random labels, but only the weights that the forgotten images pull at may move.

Fan et al., "SalUn: Empowering Machine Unlearning via Gradient-based Weight Saliency", ICLR 2024
(arXiv:2310.12508).

    1. mask   m = 1 for the share s of all weights with the largest |gradient of sum_{D_f} CE|
    2. train  theta <- theta - eta * m * gradient of the random-label loss

The published numbers come from code that masked the gradient alone: weight decay and momentum went
on moving every weight (corrected in February 2026). ``freeze="gradient"`` is that code,
``freeze="exact"`` what the paper says. With s = 1 the method is ``random_labels``.

Needs    all retained and all forgotten images.
Cost     a forward and backward pass over the forgotten images; ``epochs`` passes over all.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.methods.random_labels import train_on_wrong_labels
from kit.parts.freezing import Mask, highest, hold, trainable
from kit.parts.importance import summed_gradient
from kit.runtime.checks import one_of, within_one
from kit.runtime.device import device
from kit.training import BATCH, Recipe, constant_rate


@dataclass(frozen=True)
class Config:
    """Settings of the mask, and of the training on wrong labels."""

    share: float = 0.1  # s, of all weights of the network
    freeze: str = "exact"
    epochs: int = 1
    lr: float = 3e-3
    optimizer: str = "adam"
    batch_size: int = 128
    redraw: bool = False
    exclude_truth: bool = True

    def __post_init__(self):
        one_of("freeze", self.freeze, ("exact", "gradient"))
        within_one(share=self.share)

    @property
    def recipe(self) -> Recipe:
        return constant_rate(self.epochs, self.lr, self.batch_size, self.optimizer)

    @classmethod
    def paper(cls, **options) -> "Config":
        """The authors' values for CIFAR-10 and 10 % random images, mask as published."""
        published = {"share": 0.5, "optimizer": "sgd", "lr": 0.013, "epochs": 10, "batch_size": 256,
                     "redraw": True, "exclude_truth": False, "freeze": "gradient"}  # fmt: skip
        return cls(**published | options)


@register(
    "salun",
    level=("class", "sample"),
    needs=Needs(retain="all", forget="all"),
    paper="fan2024salun",
    config=Config,
    grid={"share": (0.1, 0.3, 0.5), "lr": (3e-4, 1e-3, 3e-3), "epochs": (1, 2)},
    toy={"epochs": 4, "share": 0.5, "batch_size": 32},
)
def salun(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Steps 1 and 2; the history holds the loss of each epoch."""
    mask = saliency_mask(model, view.forget, config.share)
    hooks = []
    if config.freeze == "exact":
        after_step = hold(model, mask)
    else:
        after_step = None
        for name, parameter in trainable(model).items():
            hooks.append(parameter.register_hook(lambda g, m=mask[name]: g * m))
    loss = train_on_wrong_labels(model, view, config, seed, after_step)
    for hook in hooks:
        hook.remove()
    return {"loss": loss}


def saliency_mask(model: nn.Module, split: Split, share: float) -> Mask:
    """The ``share`` of all entries whose summed gradient is largest, whatever its sign, over all
    layers together."""
    parameters = trainable(model.to(device()))
    total = summed_gradient(model, split, BATCH)
    sizes = torch.cat([g.abs().flatten() for g in total.values()])
    chosen = highest(sizes, max(1, round(share * len(sizes))))
    pieces: tuple[Tensor, ...] = chosen.split([p.numel() for p in parameters.values()])
    return {n: m.view_as(p) for (n, p), m in zip(parameters.items(), pieces, strict=True)}

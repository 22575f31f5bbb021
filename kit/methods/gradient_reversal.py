"""Adversarial fine-tuning of the features (DANN, Ganin et al., JMLR 2016): a baseline with weights.

A small adversary reads the attribute off the inputs of the last layer; the network is tuned to
classify and, through a gradient reversal, to deny the adversary what it reads:

    min over f, max over g of   CE(f(x), y) - lambda * BCE(g(h(x)), a)

where h(x) are the features. The attribute goes with the class in these images: who denies it
denies a part of the class as well.

Needs    the training images with the annotations of the feature.
Cost     ``epochs`` passes over them.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.methods import Needs, TaskView, register
from kit.parts.adversary import bits, with_both
from kit.runtime.device import device, seeded
from kit.training import constant_rate, fit


@dataclass(frozen=True)
class Config:
    """Settings; Adam for both players."""

    epochs: int = 2
    lr: float = 1e-3
    batch_size: int = 128
    strength: float = 1.0  # lambda
    hidden: int = 64  # units of the adversary


class _Duel(nn.Module):
    """The network and the adversary on its features, trained by one optimizer."""

    def __init__(self, network: nn.Module, adversary: nn.Module):
        super().__init__()
        self.network, self.adversary = network, adversary

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)


@register(
    "gradient_reversal",
    level=("feature",),
    needs=Needs(train="all", annotations=True),
    paper="ganin2016domain",
    config=Config,
    toy={"epochs": 8, "batch_size": 32},
)
def gradient_reversal(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Tune the network against an adversary on its features."""
    k = view.annotations.shape[1]
    with seeded(seed):
        adversary = nn.Sequential(
            nn.Linear(model.head.in_features, config.hidden), nn.ReLU(), nn.Linear(config.hidden, k)
        )
    duel = _Duel(model, adversary.to(device()))

    def loss(_: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
        y, code = labels // 2**k, labels % 2**k
        seen = model.features(x)
        read = adversary(reverse_gradient(seen.float(), config.strength)).float()
        fooled = F.binary_cross_entropy_with_logits(read, bits(code, k))
        return F.cross_entropy(model.head(seen).float(), y) + fooled

    recipe = constant_rate(config.epochs, config.lr, config.batch_size, "adam")
    labelled = with_both(view.train, view.annotations)
    return {"loss": fit(duel, labelled, recipe, seed=seed, loss=loss, title="reversal").loss}


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, strength: float):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor):
        return -ctx.strength * gradient, None


def reverse_gradient(x: Tensor, strength: float = 1.0) -> Tensor:
    """``x`` itself; gradients that come back through it are multiplied by ``-strength``."""
    return _Reverse.apply(x, strength)

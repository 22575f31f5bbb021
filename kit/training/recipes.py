"""``Recipe``: how to train; its optimizer and its schedule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kit.runtime.checks import one_of, positive
from kit.training.augment import Augment


@dataclass(frozen=True)
class Recipe:
    """How to train. The defaults suit the kit's small networks on small images."""

    epochs: int = 8
    batch_size: int = 128
    optimizer: str = "sgd"  # "sgd" (Nesterov) or "adam"
    lr: float = 0.2  # peak of the schedule
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "onecycle"  # "onecycle", "cosine" (from lr to 0) or "constant"
    label_smoothing: float = 0.1
    clip_value: float | None = None  # clip each gradient entry to +- this
    augment: Augment = Augment()
    bf16: bool | None = None  # bfloat16 autocast; None: where the machine computes it fast

    def __post_init__(self):
        one_of("optimizer", self.optimizer, ("sgd", "adam"))
        one_of("schedule", self.schedule, ("onecycle", "cosine", "constant"))
        positive(epochs=self.epochs, batch_size=self.batch_size, lr=self.lr)


def constant_rate(
    epochs: int, lr: float, batch_size: int, optimizer: str = "sgd", **changes
) -> Recipe:
    """A plain recipe to continue training with: a constant rate, hard labels, no augmentation.

    SGD with momentum 0.9 and weight decay 5e-4, or Adam without weight decay.
    """
    decay = {"weight_decay": 0.0} if optimizer == "adam" else {}
    settings = {"schedule": "constant", "label_smoothing": 0.0} | decay | changes
    return Recipe(epochs=epochs, lr=lr, batch_size=batch_size, optimizer=optimizer, **settings)


def make_optimizer(parameters: Sequence[Tensor], recipe: Recipe, steps: int):
    """The recipe's optimizer and its schedule over ``steps`` steps."""
    if recipe.optimizer == "adam":
        optimizer = torch.optim.Adam(parameters, recipe.lr, weight_decay=recipe.weight_decay)
    else:
        optimizer = torch.optim.SGD(
            parameters,
            recipe.lr,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.momentum > 0,
        )
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: schedule_factor(recipe.schedule, step, steps)
    )
    return optimizer, scheduler


def schedule_factor(schedule: str, step: int, steps: int) -> float:
    """The share of the peak learning rate that step 0, 1, ... of ``steps`` takes.

    "onecycle" (Smith and Topin 2018) climbs from 1/25 to the peak in a quarter of the steps and
    falls to almost nothing, both along half a cosine; "cosine" (Loshchilov and Hutter 2017) only
    falls; "constant" stays.
    """
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        return _half_cosine(1.0, 0.0, step / steps)
    top = max(0.0, 0.25 * steps - 1)
    if step < top:
        return _half_cosine(1 / 25, 1.0, step / top)
    return _half_cosine(1.0, 1 / 250_000, (step - top) / max(1.0, steps - 1 - top))


def _half_cosine(first: float, last: float, progress: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * progress)) / 2

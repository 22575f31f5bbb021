"""Fine-tuning on the retained data: the hope that a network forgets what it no longer sees.

    minimise  E_{(x, y) in D_r} CE(f_theta(x), y) + beta * KD,  starting at the original weights

The oldest baseline. The learning rate decides everything: too low forgets nothing, too high is half
a retraining. With ``distillation`` = beta > 0 the network also keeps to what the original says
about the retained classes, at temperature 2. For a feature the retained images are those with the
attribute drawn anew, independent of the class: fine-tuning on shuffled attributes (Yang et al.).

Needs    all retained images, or the ``amount`` of them.
Cost     ``epochs`` passes over them, and a forward pass of the original with distillation.
"""

import copy
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from kit.methods import Needs, TaskView, register
from kit.parts.distillation import answers, distillation
from kit.training import constant_rate, fit


@dataclass(frozen=True)
class Config:
    """Settings of the fine-tuning; SGD with momentum 0.9 and weight decay 5e-4."""

    epochs: int = 2
    lr: float = 0.02  # constant
    batch_size: int = 128
    amount: str = "all"  # of the retained images
    distillation: float = 0.0  # beta

    @property
    def needs(self) -> Needs:
        return Needs(retain=self.amount)


@register(
    "finetune",
    level=("class", "sample", "feature"),
    paper="",
    config=Config,
    grid={"lr": (0.01, 0.02, 0.05, 0.1, 0.2), "epochs": (1, 2)},
    toy={"epochs": 6, "lr": 0.1, "batch_size": 32},
)
def finetune(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Continue training, on the retained images only."""
    recipe = constant_rate(config.epochs, config.lr, config.batch_size)
    loss = _distilling(model, view, config) if config.distillation else None
    history = fit(model, view.retain, recipe, seed=seed, title="fine-tuning", loss=loss)
    return {"loss": history.loss}


def _distilling(model: nn.Module, view: TaskView, config: Config):
    teacher, kept = copy.deepcopy(model).eval(), view.retain_classes

    def loss(student: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        taught = answers(teacher, x, "retain")
        said = student(x)
        kd = distillation(said[:, kept], taught[:, kept]).mean()
        return F.cross_entropy(said.float(), y) + config.distillation * kd

    return loss

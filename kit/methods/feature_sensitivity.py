"""Sensitivity minimisation (after Ferrari, Gu et al., NeurIPS 2024): answers that stand still.

The logits are to change little, for the size of the change of the image, when nothing but the
feature changes:

    minimise  CE(f(x), y) + weight * mean |f(x) - f(x')| / |x - x'|

Ferrari perturbs the feature with noise and minimises the second term alone; here x' is the
counterfactual image, and the first term keeps the task.

Needs    the training images and their counterfactuals.
Cost     ``epochs`` passes over both.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.runtime.cost import count_passes
from kit.runtime.device import device
from kit.training import constant_rate, fit


@dataclass(frozen=True)
class Config:
    """Settings; Adam."""

    epochs: int = 1
    lr: float = 1e-3
    batch_size: int = 128
    weight: float = 10.0
    amount: str = "all"  # of the images

    @property
    def needs(self) -> Needs:
        return Needs(train=self.amount, counterfactuals=True)


@register(
    "feature_sensitivity",
    level=("feature",),
    paper="gu2024ferrari",
    config=Config,
    toy={"epochs": 8, "batch_size": 32},
)
def feature_sensitivity(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Tune the network until the feature moves its logits little."""
    images, others = view.train, view.counterfactuals
    numbered = _numbered(images)
    labels = images.y.to(device())

    def loss(model: nn.Module, x: Tensor, row: Tensor) -> Tensor:
        count_passes(images.kind, forward=len(x), backward=len(x))
        twin = others.take(row.to(others.rows.device)).inputs().to(device())
        said, twin_said = model(torch.cat([x, twin])).float().chunk(2)
        moved = (x - twin).flatten(1).norm(dim=1).clamp_min(1e-3)
        sensitivity = ((said - twin_said).norm(dim=1) / moved).mean()
        return F.cross_entropy(said, labels[row]) + config.weight * sensitivity

    recipe = constant_rate(config.epochs, config.lr, config.batch_size, "adam")
    return {"loss": fit(model, numbered, recipe, seed=seed, loss=loss, title="sensitivity").loss}


def _numbered(split: Split) -> Split:
    """The images labelled by their place in the split, so that a loss can find their twins."""
    return split.labelled(torch.arange(len(split)))

"""First-order feature unlearning (Warnecke et al., NDSS 2023): one step against the difference.

Replacing images z by images z' without the feature's influence changes the gradient of the training
loss; the update takes one step along that change (their eq. 8):

    theta <- theta - rate * ( sum over z' of grad CE  -  sum over z of grad CE ) / n

Here z' are the same images with the attribute drawn anew, half of which are equal to z.

Needs    the training images and their counterfactuals.
Cost     one forward and backward pass over each.
"""

from dataclasses import dataclass

import torch
from torch import nn

from kit.methods import Needs, TaskView, register
from kit.parts.freezing import trainable
from kit.parts.importance import summed_gradient

BATCH = 500


@dataclass(frozen=True)
class Config:
    """``rate``: tau of the paper, per image; ``steps``: how often the step is repeated."""

    rate: float = 0.05
    steps: int = 1


@register(
    "influence_update",
    level=("feature",),
    needs=Needs(train="all", counterfactuals=True),
    paper="warnecke2023features",
    config=Config,
    toy={"rate": 0.5},
)
def influence_update(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """One step (or several) from the images as they were to the images drawn anew."""
    generator = torch.Generator().manual_seed(seed)
    redrawn = torch.rand(len(view.train), generator=generator) < 0.5
    before, after = view.train.take(redrawn), view.counterfactuals.take(redrawn)
    sizes = []
    for _ in range(config.steps):
        up, down = (summed_gradient(model, split, BATCH) for split in (after, before))
        change = [(up[name] - down[name]) / len(view.train) for name in up]
        with torch.no_grad():
            for weight, step in zip(trainable(model).values(), change, strict=True):
                weight -= config.rate * step
        sizes.append(float(sum((step**2).sum() for step in change) ** 0.5))
    return {"gradient": sizes}

"""Boundary unlearning: give a class's region of the feature space to its neighbours.

Chen et al., "Boundary Unlearning", CVPR 2023. Only the forgotten images are needed.

    "shrink"   each forgotten image moves a step towards the nearest other class,
                   x' = x + epsilon * sign(gradient of CE(f(x), y)),   y' = argmax f(x'),
               and the network learns to call x (not x') y'
    "expand"   an extra output is added, the forgotten images are taught to it, and it is cut off

A step can fail to leave the class; then y' = y would teach the class again. Here y itself is left
out of the argmax (``exclude_truth``); the authors' code keeps it. How many steps succeed by
themselves is in the history as ``left_the_class``. Where several classes are to be forgotten, y'
may be another of them, as in the paper. Batches of one class also ruin BatchNorm's running
statistics for all others: they are frozen unless ``batchnorm="updated"``.

Needs    all forgotten images.
Cost     one backward pass over them for "shrink", ``epochs`` passes.
"""

import warnings
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.models.heads import editable_head, with_outputs
from kit.runtime.checks import one_of
from kit.runtime.cost import count_passes
from kit.runtime.device import device
from kit.training import Recipe, batches, constant_rate, fit

ENOUGH = 0.6  # share of the images whose step should leave the class


@dataclass(frozen=True)
class Config:
    """Settings; SGD with momentum 0.9."""

    variant: str = "shrink"  # or "expand"
    epsilon: float = 0.02  # pixels in [0, 1]
    exclude_truth: bool = True
    batchnorm: str = "frozen"  # running statistics: "frozen" or "updated"
    epochs: int = 3  # over the forgotten images
    lr: float = 1e-5
    batch_size: int = 64

    def __post_init__(self):
        one_of("variant", self.variant, ("shrink", "expand"))
        one_of("batchnorm", self.batchnorm, ("frozen", "updated"))

    @classmethod
    def paper(cls, **options) -> "Config":
        """The authors' values, for an AllCNN on CIFAR-10."""
        published = {"epsilon": 0.1, "epochs": 10, "exclude_truth": False, "batchnorm": "updated"}
        return cls(**published | options)


@register(
    "boundary_shrink",
    level=("class",),
    needs=Needs(forget="all"),
    paper="chen2023boundary",
    config=Config,
    grid={"lr": (1e-6, 3e-6, 1e-5, 1e-4), "epochs": (3, 10), "epsilon": (0.02, 0.05, 0.1)},
    toy={"lr": 0.0001, "epochs": 10, "batch_size": 32, "epsilon": 0.25},
)
def boundary_shrink(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Relabel by neighbours and train, or train an extra output and cut it off."""
    recipe = constant_rate(config.epochs, config.lr, config.batch_size)
    frozen = config.batchnorm == "frozen"
    if config.variant == "expand":
        return {"loss": _expand(model, view.forget, recipe, seed, frozen)}
    labels, left = neighbours(model, view.forget, config)
    relabelled = view.forget.labelled(labels)
    history = fit(model, relabelled, recipe, seed=seed, eval_mode=frozen, title="shrink")
    return {"loss": history.loss, "left_the_class": [left]}


def neighbours(model: nn.Module, split: Split, config: Config) -> tuple[Tensor, float]:
    """The class across the nearest boundary for each image, int64 ``[n]``, and the share of images
    that the step took out of their class; a warning says if that is less than ``ENOUGH``."""
    model.to(device()).eval()
    step = config.epsilon / split.std.view(1, -1, 1, 1)  # in the network's input space
    low, high = (((v - split.mean) / split.std).view(1, -1, 1, 1).to(device()) for v in (0.0, 1.0))
    found, left = [], 0
    for x, y in batches(split):
        x.requires_grad_()
        count_passes(split.kind, forward=2 * len(x), backward=len(x))
        (slope,) = torch.autograd.grad(F.cross_entropy(model(x), y, reduction="sum"), x)
        with torch.no_grad():
            moved = (x + step.to(x) * slope.sign()).clamp(low, high)
            logits = model(moved)
            left += int((logits.argmax(1) != y).sum())
            if config.exclude_truth:
                logits.scatter_(1, y[:, None], -torch.inf)
        found.append(logits.argmax(1).to(split.targets))
    share = left / len(split)
    if share < ENOUGH:
        warnings.warn(
            f"a step of {config.epsilon} took only {share:.0%} of the images out of their class; "
            f"raise epsilon",
            stacklevel=2,
        )
    return torch.cat(found), share


def _expand(model: nn.Module, split: Split, recipe: Recipe, seed: int, frozen: bool) -> list[float]:
    """Train with one output more, then drop it."""
    k, head = split.num_classes, editable_head(model, plain=True)
    wider = with_outputs(head, k + 1).to(head.weight)
    with torch.no_grad():
        for new, old in zip(wider.parameters(), head.parameters(), strict=True):
            new[:k] = old
    model.replace_head(wider)
    shadow = split.labelled(torch.full((len(split),), k), num_classes=k + 1)
    loss = fit(model, shadow, recipe, seed=seed, eval_mode=frozen, title="expand").loss
    with torch.no_grad():
        for new, old in zip(wider.parameters(), head.parameters(), strict=True):
            old.copy_(new[:k])
    model.replace_head(head)
    return loss

"""Annotations as training targets: an adversary is a network that learns them."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.models.fresh import fresh
from kit.models.heads import with_outputs
from kit.runtime.device import seeded
from kit.training import Loss, Recipe, fit

ADVERSARY = Recipe(epochs=3, lr=2e-3, optimizer="adam", weight_decay=0.0, label_smoothing=0.0)


def with_values(split: Split, values: Tensor) -> Split:
    """The images labelled by their attributes alone: bit j of a label is attribute j.

    Parameters
    ----------
    values
        0 or 1, ``[n, k]`` for the images of the split, in their order.
    """
    return split.labelled(codes(values), values.shape[1])


def with_both(split: Split, values: Tensor) -> Split:
    """The images labelled by class and attributes: class * 2^k + code."""
    together = split.y * 2 ** values.shape[1] + codes(values)
    return split.labelled(together)


def codes(values: Tensor) -> Tensor:
    """0/1 values ``[n, k]`` -> one number each, int64 ``[n]``."""
    return (values * 2 ** torch.arange(values.shape[1], device=values.device)).sum(1)


def bits(code: Tensor, k: int) -> Tensor:
    """The inverse of ``codes``, float32 ``[n, k]``."""
    return (code[:, None] // 2 ** torch.arange(k, device=code.device) % 2).float()


def attribute_loss(k: int) -> Loss:
    """Binary cross-entropy of k logits with the labels of ``with_values``."""

    def loss(model: nn.Module, x: Tensor, code: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(model(x).float(), bits(code, k))

    return loss


def fresh_adversary(model: nn.Module, k: int, seed: int) -> nn.Module:
    """The architecture of ``model`` with fresh weights and a logit for each of k attributes.

    Raises
    ------
    ValueError
        a model that cannot be made anew with fresh weights.
    """
    adversary = copy.deepcopy(fresh(model, seed))
    with seeded(seed):
        adversary.replace_head(with_outputs(adversary.head, k))
    return adversary


def train_adversary(
    model: nn.Module, split: Split, values: Tensor, *, seed: int, recipe: Recipe = ADVERSARY
) -> nn.Module:
    """A fresh network that has learnt to read the attributes off the images of a split."""
    k = values.shape[1]
    adversary = fresh_adversary(model, k, seed)
    labelled = with_values(split, values)
    fit(adversary, labelled, recipe, seed=seed, loss=attribute_loss(k), title="adversary")
    return adversary

"""Accuracy, and where the predictions on forgotten images go."""

import math

import torch
from torch import Tensor

from kit.metrics.checks import check_numbers
from kit.metrics.undefined import Undefined


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of images whose largest logit is the label's, in [0, 1].

    Good value: the retrained model's, on every split.

    Raises
    ------
    ValueError
        no images, NaN logits, or shapes that do not match.
    """
    _check(logits, labels)
    return (logits.argmax(1) == labels).double().mean().item()


def per_class_accuracy(logits: Tensor, labels: Tensor) -> dict[int, float]:
    """Accuracy of each class that occurs among the labels."""
    _check(logits, labels)
    correct = (logits.argmax(1) == labels).double()
    return {c: correct[labels == c].mean().item() for c in labels.unique().tolist()}


def prediction_distribution(logits: Tensor) -> Tensor:
    """Share of the images predicted as each class, ``[num_classes]``, sums to 1."""
    check_numbers("the distribution of predictions", logits)
    counts = torch.bincount(logits.argmax(1), minlength=logits.shape[1])
    return counts / len(logits)


def prediction_entropy(distribution: Tensor) -> float:
    """Entropy of a prediction distribution, in units of its maximum ``log(num_classes)``: [0, 1].

    0: all images get one class; 1: the classes are equally frequent. Good value: the retrained
    model's, which usually is low: forgotten images go to the classes that look like them.
    """
    check_numbers("the entropy of predictions", distribution)
    if len(distribution) < 2:
        raise Undefined("the entropy of predictions needs at least two classes")
    return torch.special.entr(distribution.double()).sum().item() / math.log(len(distribution))


def total_variation(p: Tensor, q: Tensor) -> float:
    """Half the summed absolute difference of two distributions, in [0, 1]. Good value: that of two
    retrained models."""
    if p.shape != q.shape:
        raise ValueError(f"distributions of different shapes: {tuple(p.shape)}, {tuple(q.shape)}")
    check_numbers("total variation", p, q)
    return 0.5 * (p - q).abs().sum().item()


def agreement(logits: Tensor, other: Tensor) -> float:
    """Share of images on which two models predict the same class, in [0, 1]. Good value: that of
    two retrained models (Cao and Yang 2015 call it completeness)."""
    if logits.shape != other.shape:
        raise ValueError(f"logits of different shapes: {logits.shape} and {other.shape}")
    check_numbers("agreement", logits, other)
    return (logits.argmax(1) == other.argmax(1)).double().mean().item()


def _check(logits: Tensor, labels: Tensor) -> None:
    check_numbers("accuracy", logits)
    if logits.dim() != 2 or len(logits) != len(labels):
        raise ValueError(
            f"need logits [n, classes] and labels [n], got {tuple(logits.shape)} and "
            f"{tuple(labels.shape)}"
        )

"""How differently two models answer: distances between their predictions, image by image.

All functions take logits ``[n, classes]`` of two models on the same images. The good value of each
is that of two retrained models, which is not zero.
"""

from collections.abc import Sequence
from statistics import mean, stdev

import torch
import torch.nn.functional as F
from torch import Tensor

from kit.datasets.split import Split
from kit.metrics.checks import check_numbers
from kit.metrics.undefined import Undefined
from kit.models import Classifier
from kit.models.fresh import fresh
from kit.training import predict

ZRF_SEED = 1_000_000  # of the first random network: far from the seeds of runs and of retraining


def activation_distance(logits: Tensor, other: Tensor, *, norm: int = 2) -> float:
    """Mean distance of the two models' probabilities, ``E |p(x) - q(x)|``.

    ``norm`` 2, in [0, sqrt 2], is what most of the field prints; ``norm`` 1, in [0, 2], is that of
    the Mixed-Privacy paper (Golatkar et al. 2021, figure 3). The first is never the larger.
    """
    p, q = _probabilities(logits, other)
    return (p - q).norm(norm, dim=1).mean().item()


def js_divergence(logits: Tensor, other: Tensor) -> float:
    """Mean Jensen-Shannon divergence of the two models' probabilities, in [0, log 2] nats.

    ``JS(p, q) = (KL(p | m) + KL(q | m)) / 2`` with ``m = (p + q) / 2``: a sum over classes, a mean
    over images.
    """
    p, q = _probabilities(logits, other)
    m = (p + q) / 2
    halves = torch.special.xlogy(p, p / m) + torch.special.xlogy(q, q / m)
    return (halves.nan_to_num().sum(1) / 2).mean().item()


def js_lineage(logits: Tensor, other: Tensor) -> float:
    """What the code of Bad Teaching, SSD and their followers calls JS: only to compare with their
    tables.

    ``(KL(m | p) + KL(m | q)) / (2 classes)``: arguments swapped, a mean over classes, unbounded.
    """
    p, q = _probabilities(logits, other)
    m = (p + q) / 2
    halves = torch.special.xlogy(m, m / p) + torch.special.xlogy(m, m / q)
    return (halves.mean(1) / 2).mean().item()


def zrf(model: Classifier, split: Split, *, random_models: int = 5) -> float:
    """``1 - E JS(p(x), p_random(x))`` over freshly initialised networks, in [1 - log 2, 1].

    The zero-retrain-forgetting score of Chundawat et al. (AAAI 2023): how much the model answers
    like one that learned nothing. High is *not* good by itself: the good value is the retrained
    model's, which has a guess about what it never saw. The seeds of the random networks start at
    ``ZRF_SEED``, so that none of them is the teacher that a method drew from the seed of its run.

    Raises
    ------
    ValueError
        a network that cannot be made anew.
    """
    try:
        untrained = [fresh(model, ZRF_SEED + n) for n in range(random_models)]
    except ValueError as error:
        raise Undefined(str(error)) from error
    said = predict(model, split)
    return 1 - mean(js_divergence(said, predict(network, split)) for network in untrained)


def streisand(loss: float, retrained_losses: Sequence[float]) -> float:
    """How far the mean loss on the forgotten images lies from the retrained models', in their
    standard deviations.

    Beyond 2: the model is conspicuously bad at what it forgot, which gives the request away. Below
    -2: it still knows. Needs at least three retrained models.
    """
    check_numbers("the Streisand effect", torch.tensor([loss, *retrained_losses]))
    if len(retrained_losses) < 3:
        raise ValueError(f"need at least 3 retrained models, got {len(retrained_losses)}")
    spread = stdev(retrained_losses)
    if spread == 0:
        raise Undefined("the retrained models all have one loss: there is no spread to measure by")
    return (loss - mean(retrained_losses)) / spread


def _probabilities(logits: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    if logits.shape != other.shape:
        raise ValueError(f"logits of different shapes: {logits.shape} and {other.shape}")
    check_numbers("a distance of predictions", logits, other)
    return F.softmax(logits.double(), 1), F.softmax(other.double(), 1)

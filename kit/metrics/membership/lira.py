"""Likelihood-ratio attacks: what is typical of *this* image in models with it, and without it?

Carlini et al., "Membership Inference Attacks From First Principles" (S&P 2022), and Hayes et al.,
"Inexact Unlearning Needs More Careful Evaluations" (arXiv:2403.01218), whose question is ours: was
the image unlearned, or never seen? All scores are margins (logit-scaled confidences).
"""

from collections.abc import Callable

import numpy as np
import scipy
import torch
from torch import Tensor

from kit.metrics.checks import check_margins, check_numbers
from kit.metrics.membership.roc import Attack
from kit.metrics.undefined import Undefined

POOLED_BELOW = 64  # shadows a side; with fewer, one variance for all images is the better estimate


def log_likelihood_ratio(
    score: Tensor, mean_in: Tensor, sd_in: Tensor, mean_out: Tensor, sd_out: Tensor
) -> Tensor:
    """``log N(score; mean_in, sd_in^2) - log N(score; mean_out, sd_out^2)``, element by element."""
    inside, outside = (score - mean_in) / sd_in, (score - mean_out) / sd_out
    return (outside.square() - inside.square()) / 2 + (sd_out / sd_in).log()


def offline_score(score: Tensor, mean_out: Tensor, sd_out: Tensor) -> Tensor:
    """``Phi((score - mean_out) / sd_out)`` in [0, 1]: LiRA where no shadow model saw the image."""
    return torch.special.ndtr((score - mean_out) / sd_out)


def u_lira(margins: Tensor, unlearned: Tensor, never: Tensor) -> Attack:
    """Tell unlearned images from never-seen ones by what is typical of each image.

    Every shadow model takes its turn as the target, and the Gaussians are fitted on the others: a
    model never takes part in its own trial. With ``unlearned`` a mask of images that were learned
    and *not* forgotten, this is plain LiRA.

    Parameters
    ----------
    margins
        float ``[shadows, images]``, from models that each served a request of its own.
    unlearned, never
        bool, the same shape: the image was learned and forgotten; the image was not trained on.

    Returns
    -------
    the attack: log likelihood ratios, unlearned images as members, grouped by shadow. Good value:
    AUC 0.5, which is what retraining gives.

    Raises
    ------
    ValueError
        shapes that differ, an image in both masks, or too few shadows to fit anything.
    """
    if not margins.shape == unlearned.shape == never.shape:
        raise ValueError("margins, unlearned and never must have one shape [shadows, images]")
    if (unlearned & never).any():
        raise ValueError("an image cannot be unlearned and never seen in the same shadow")
    check_margins("LiRA", margins)
    ratios = torch.full(margins.shape, torch.nan, dtype=torch.double)
    margins = margins.double()
    for shadow in range(len(margins)):
        others = torch.arange(len(margins)) != shadow
        fits = [gaussians(margins[others], mask[others]) for mask in (unlearned, never)]
        ratios[shadow] = log_likelihood_ratio(margins[shadow], *fits[0], *fits[1])
    fitted = ratios.isfinite()
    inside, outside = (unlearned & fitted).nonzero(), (never & fitted).nonzero()
    if not (len(inside) and len(outside)):
        raise Undefined("too few shadows: no image is both unlearned and never seen in the others")
    return Attack(ratios[tuple(inside.T)], ratios[tuple(outside.T)], inside[:, 0], outside[:, 0])


def u_lira_interval(
    margins: Tensor, unlearned: Tensor, never: Tensor, *, level: float = 0.95,
    of: Callable[[Attack], float] = lambda attack: attack.auc,
) -> tuple[float, float]:  # fmt: skip
    """Interval of a share that ``u_lira`` ends with, over the choice of shadow models.

    ``of`` says which: the AUC, or ``lambda attack: attack.tpr(0.01)``. Delete-one jackknife: each
    shadow is left out of everything in turn. Resampling the finished scores instead ignores that
    every shadow also shaped the Gaussians of the others: where there is nothing to find, such
    intervals are too narrow. For the AUC this one is conservative there, and right where the attack
    wins.
    """
    shadows = torch.arange(len(margins))
    kept = [
        of(u_lira(*(t[shadows != left_out] for t in (margins, unlearned, never))))
        for left_out in shadows
    ]
    n = len(kept)
    error = ((n - 1) ** 2 / n) ** 0.5 * float(np.std(kept, ddof=1))
    half = scipy.stats.t.ppf((1 + level) / 2, n - 1) * error
    value = of(u_lira(margins, unlearned, never))
    return max(0.0, value - float(half)), min(1.0, value + float(half))


def population_attack(margins: Tensor, unlearned: Tensor, never: Tensor) -> Attack:
    """The same trial by one global threshold on the loss: the weak attack to compare with."""
    check_margins("the population attack", margins)
    inside, outside = unlearned.nonzero(), never.nonzero()
    return Attack(margins[tuple(inside.T)], margins[tuple(outside.T)], inside[:, 0], outside[:, 0])


def exposure(margins: Tensor, never: Tensor, target: Tensor) -> Tensor:
    """How far each image's margin in one model lies above what never-seen models say of it, in
    their standard deviations: float ``[images]``. The most exposed images come first in a sort.
    NaN for an image that every shadow was trained on.

    Parameters
    ----------
    margins, never
        of the shadows, ``[shadows, images]``.
    target
        margins of the model in question, ``[images]``.

    Raises
    ------
    ValueError
        margins that are NaN or infinite, or no image that two shadows have never seen.
    """
    check_margins("exposure", margins, target[None])
    if never.sum(0).max() < 2:
        raise Undefined("too few shadows: no image was never seen in two of them")
    mean, sd = gaussians(margins.double(), never)
    return (target.double() - mean) / sd


def rmia(
    target: Tensor, references: Tensor, population: Tensor, population_references: Tensor, *,
    gamma: float = 1.0, offline: float | None = None,
) -> Tensor:  # fmt: skip
    """Robust membership inference (Zarifzadeh, Liu, Shokri, ICML 2024); works with 1 to 4 models.

    ``score(x) = Pr_z[ (p(x | target) / p(x)) / (p(z | target) / p(z)) >= gamma ]``

    Parameters
    ----------
    target, population
        confidences of the true label by the model in question, for the images ``[n]`` and for
        held-out images z of the same classes ``[m]``.
    references, population_references
        the same by reference models, ``[models, n]`` and ``[models, m]``; their mean is p(.).
    offline
        the constant a of ``p(x) = ((1 + a) p_out(x) + 1 - a) / 2`` where no reference saw the
        images (about 0.3 for CIFAR-10); None where half of them did.

    Returns
    -------
    scores in [0, 1], float ``[n]``; uniform where the references are exchangeable with the target.

    Raises
    ------
    ValueError
        no images, or values that are no confidences: NaN, or outside [0, 1].
    """
    for confidences in (target, references, population, population_references):
        check_numbers("RMIA", confidences)
        if confidences.min() < 0 or confidences.max() > 1.001:
            raise ValueError("RMIA takes confidences in [0, 1], not margins or logits")

    def prior(p: Tensor) -> Tensor:
        mean = p.mean(0)
        return mean if offline is None else ((1 + offline) * mean + 1 - offline) / 2

    # A confidence may round to 0, and 0 / 0 would compare as false.
    target, references, population, population_references = (
        confidences.clamp_min(torch.finfo(confidences.dtype).tiny)
        for confidences in (target, references, population, population_references)
    )
    ratio_x, ratio_z = target / prior(references), population / prior(population_references)
    return (ratio_x[:, None] / ratio_z[None] >= gamma).float().mean(1)


def gaussians(margins: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column over the rows that ``mask`` marks, ``[images]``.

    NaN for a column without any. Below ``POOLED_BELOW`` rows the standard deviation is pooled over
    the columns.
    """
    count = mask.sum(0)
    mean = torch.where(mask, margins, 0.0).sum(0) / count
    squares = torch.where(mask, (margins - mean).square(), 0.0).sum(0)
    if count.max() < POOLED_BELOW:
        variance = (squares.sum() / (count - 1).clamp_min(0).sum().clamp_min(1)).expand_as(mean)
    else:
        variance = squares / (count - 1).clamp_min(1)
    return mean, variance.clamp_min(1e-12).sqrt()

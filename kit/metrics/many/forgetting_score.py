"""The score of the NeurIPS 2023 unlearning competition (arXiv:2406.09073).

For each forgotten image, the best rule that tells N unlearned models from N retrained ones by their
margins has false positive and negative rates; the better it does, the larger epsilon, the smaller
the image's share of the score.

The estimator takes the best of many rules, so that it finds differences where there are none: two
equal distributions score far below 1 (see ``null``). Compare with retrained against retrained only.
"""

import math

import torch
from torch import Tensor

from kit.metrics.checks import check_margins
from kit.runtime.checks import at_least, one_of, positive

DELTA = 1e-5
CAP = 50.0
GRID = 100  # single thresholds per unit of margin
EDGES = 40  # candidate ends of the two-sided rules


def epsilon(fpr: Tensor, fnr: Tensor) -> Tensor:
    """``max(0, log(1 - delta - FPR) - log FNR, log(1 - delta - FNR) - log FPR)``, rule by rule.

    Infinite where both rates are 0; -inf where exactly one is (too few models to tell): such rules
    are dropped.
    """
    fpr, fnr = torch.as_tensor(fpr).double(), torch.as_tensor(fnr).double()
    first = (1 - DELTA - fpr).clamp_min(0).log() - fnr.log()
    second = (1 - DELTA - fnr).clamp_min(0).log() - fpr.log()
    value = torch.maximum(first, second).clamp_min(0)
    value = torch.where((fpr == 0) ^ (fnr == 0), -torch.inf, value)
    return torch.where((fpr == 0) & (fnr == 0), torch.inf, value)


def epsilon_of_image(unlearned: Tensor, retrained: Tensor, *, rules: str = "all") -> float:
    """The largest epsilon of any rule for one image, at most 50; margins ``[N]`` each.

    The rules are single thresholds ("single"), and intervals that call everything inside them the
    narrower of the two sets. The organisers' code tries all pairs of a fine grid as ends of the
    intervals; we take the quantiles of both sets together.
    """
    one_of("rules", rules, ("single", "all"))
    check_margins("the forgetting score", unlearned, retrained)
    ours, theirs = unlearned.double().sort().values, retrained.double().sort().values
    positive, negative = (ours, theirs) if ours.median() >= theirs.median() else (theirs, ours)
    wide, narrow = sorted((ours, theirs), key=lambda m: -(m[-1] - m[0]))
    if narrow[-1] - narrow[0] < 0.01 * (wide[-1] - wide[0]):
        return CAP
    both = torch.cat([ours, theirs])
    low, high = math.floor(both.min()), math.ceil(both.max())
    grid = torch.linspace(low, high, max(2, (high - low) * GRID + 1), dtype=torch.double)
    best = epsilon(1 - _below(negative, grid), _below(positive, grid)).max()
    if rules == "all":
        ends = both.quantile(torch.linspace(0, 1, EDGES, dtype=torch.double))
        ends = torch.cat([ends[:1] - 2, ends, ends[-1:] + 2])
        first, second = torch.combinations(ends).T.contiguous()
        fnr = 1 - (_below(narrow, second) - _below(narrow, first))
        fpr = _below(wide, second) - _below(wide, first)
        best = torch.maximum(best, epsilon(fpr, fnr).max())
    return float(best.clamp(0, CAP))


def image_score(eps: float, models: int) -> float:
    """``H(epsilon) = 2 ** -floor(2 epsilon)``: 1 for epsilon below 1/2, halved at each half unit,
    0 from ``ceil(log(models - 1))`` on."""
    at_least(2, models=models)
    if eps >= math.ceil(math.log(models - 1)):
        return 0.0
    return 2.0 ** -math.floor(2 * eps)


def forgetting_score(unlearned: Tensor, retrained: Tensor, *, rules: str = "all") -> float:
    """Mean of ``image_score`` over the forgotten images; margins ``[N, images]``, N models a side.

    In [0, 1]. Good value: that of two sets of retrained models.

    Raises
    ------
    ValueError
        sets of different shapes, fewer than 3 models, margins that are NaN or infinite.
    """
    if unlearned.shape != retrained.shape or unlearned.dim() != 2 or len(unlearned) < 3:
        raise ValueError(
            f"need margins [models, images] of as many models a side, at least 3, got "
            f"{tuple(unlearned.shape)} and {tuple(retrained.shape)}"
        )
    check_margins("the forgetting score", unlearned, retrained)
    values = [
        image_score(epsilon_of_image(u, r, rules=rules), len(u))
        for u, r in zip(unlearned.T, retrained.T, strict=True)
    ]
    return sum(values) / len(values)


def competition_score(
    forgetting: float, retain: tuple[float, float], test: tuple[float, float]
) -> float:
    """``F * (RA / RA_retrained) * (TA / TA_retrained)`` with (ours, retrained) mean accuracies; can
    exceed the forgetting score."""
    positive(retain_of_retrained=retain[1], test_of_retrained=test[1])
    return forgetting * retain[0] / retain[1] * test[0] / test[1]


def null(models: int, *, images: int = 300, rules: str = "all", seed: int = 0) -> dict[str, float]:
    """Median ``epsilon`` and mean ``score`` where both sets come from one normal distribution."""
    generator = torch.Generator().manual_seed(seed)
    ours, theirs = torch.randn(2, images, models, generator=generator)
    values = torch.tensor(
        [epsilon_of_image(u, r, rules=rules) for u, r in zip(ours, theirs, strict=True)]
    )
    scores = [image_score(float(v), models) for v in values]
    return {"epsilon": values.median().item(), "score": sum(scores) / images}


def _below(values: Tensor, thresholds: Tensor) -> Tensor:
    """Share of the sorted ``values`` at or below each threshold."""
    return torch.searchsorted(values, thresholds, right=True) / len(values)

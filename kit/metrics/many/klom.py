"""KLoM: do unlearned and retrained models spread alike in what they say about an image?

Georgiev et al., "Attribute-to-Delete" (arXiv:2410.23232). All functions take margins of N models
trained from different seeds and unlearned, and of N retrained ones, ``[N, images]`` each, and give
the divergence ``KL(unlearned | retrained)`` in nats for every image, ``[images]``. Margins beyond
``CLIP`` count as ``CLIP``; NaN and infinite ones are refused.

Even two sets of retrained models are not at 0: with few models the histogram's floor is high (see
``null``). Always show retrained against retrained beside it.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from kit.metrics.checks import check_margins
from kit.runtime.checks import one_of

CLIP = 100.0  # margins beyond this say no more
FLOOR = 1e-5  # probability of a histogram bin that no retrained model fell into


def klom_histogram(
    unlearned: Tensor, retrained: Tensor, *, bins: int = 20, variant: str = "fixed"
) -> Tensor:
    """By histograms on the joint range of both sets, in [0, log 1e5]. For 50 models and more.

    ``variant="code"`` does as the authors' benchmark: the largest of all margins falls out of the
    last bin and is lost.
    """
    _check(unlearned, retrained)
    one_of("variant", variant, ("fixed", "code"))
    ours, theirs = (m.double().clamp(-CLIP, CLIP) for m in (unlearned, retrained))
    both = torch.cat([ours, theirs])
    low, width = both.min(0).values, (both.max(0).values - both.min(0).values) / bins
    width = torch.where(width > 0, width, 1.0)
    p, q = (_shares(m, low, width, bins, variant) for m in (ours, theirs))
    return torch.special.xlogy(p, p / q.clamp_min(FLOOR)).sum(0)


def klom_gaussian(unlearned: Tensor, retrained: Tensor) -> Tensor:
    """By the normal distributions fitted to both sets, in [0, inf). For fewer than 50 models.

    ``log(s_r / s_u) + (s_u^2 + (m_u - m_r)^2) / (2 s_r^2) - 1/2``
    """
    _check(unlearned, retrained)
    ours, theirs = (m.double().clamp(-CLIP, CLIP) for m in (unlearned, retrained))
    s_u, s_r = ours.std(0).clamp_min(1e-6), theirs.std(0).clamp_min(1e-6)
    shift = (ours.mean(0) - theirs.mean(0)).square()
    return (s_r / s_u).log() + (s_u.square() + shift) / (2 * s_r.square()) - 0.5


def null(
    models: int,
    *,
    estimator: Callable[[Tensor, Tensor], Tensor] = klom_gaussian,
    images: int = 2000,
    seed: int = 0,
    **options,
) -> float:
    """The median over images where nothing is wrong: both sets drawn from one normal distribution.

    Histogram: about 5.7 with 10 models, 0.7 to 0.8 with 50, 0.3 with 100.
    """
    generator = torch.Generator().manual_seed(seed)
    ours, theirs = torch.randn(2, models, images, generator=generator)
    return estimator(ours, theirs, **options).median().item()


def _shares(values: Tensor, low: Tensor, width: Tensor, bins: int, variant: str) -> Tensor:
    """Share of the models in each bin, ``[bins, images]``."""
    index = ((values - low) / width).floor().long()
    inside = index < bins
    counts = torch.zeros(bins, values.shape[1], dtype=torch.double)
    kept = inside.double() if variant == "code" else torch.ones_like(values)
    counts.scatter_add_(0, index.clamp_max(bins - 1), kept)
    return counts / counts.sum(0).clamp_min(1)


def _check(unlearned: Tensor, retrained: Tensor) -> None:
    if unlearned.dim() != 2 or unlearned.shape[1:] != retrained.shape[1:]:
        raise ValueError(
            f"need margins [models, images] of the same images, got {tuple(unlearned.shape)} and "
            f"{tuple(retrained.shape)}"
        )
    if min(len(unlearned), len(retrained)) < 2:
        raise ValueError("a spread needs at least two models a side")
    check_margins("KLoM", unlearned, retrained)

"""The Gaussian mechanism on class means: what one image can change is hidden in noise."""

import math

import scipy
import torch

from kit.parts.class_means import ClassMeans


def private(means: ClassMeans, clip: float, noise: float, seed: int) -> ClassMeans:
    """Noise on the sums of activations of each class, and on its count, before they are sent.

    The activations of each image were clipped to the L2 norm ``clip`` in each of L layers, so that
    adding or removing an image moves the sums by ``clip * sqrt(L)`` at most and the counts by 1;
    ``noise`` is the standard deviation in these units. Classes a client does not hold get noise
    like the others.
    """
    if not noise:
        return means
    draw = torch.Generator().manual_seed(seed)
    scale = noise * clip * math.sqrt(len(means.means))
    counts = means.counts + noise * torch.randn(len(means.counts), generator=draw).double()
    counts = counts.round().clamp(min=0).long()
    noisy = {}
    for name, mean in means.means.items():
        sums = mean.double() * means.counts[:, None]
        sums = sums + scale * torch.randn(mean.shape, generator=draw).double()
        noisy[name] = (sums / counts.clamp(min=1)[:, None]).clamp(min=0).float()
    return ClassMeans(noisy, counts)


def epsilon(noise: float, delta: float = 1e-5, reports: int = 1) -> float:
    """Differential privacy of an image in ``reports`` reports: (epsilon, delta).

    Exact for Gaussian mechanisms (Balle and Wang 2018): sums and counts are two of them, each with
    a sensitivity of 1 / noise, together ``mu = sqrt(2 * reports) / noise``. Infinite without noise.
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie in (0, 1), got {delta}")
    if noise <= 0:
        return math.inf
    mu = math.sqrt(2 * reports) / noise

    def excess(e: float) -> float:
        # In logarithms, because exp(e) overflows where the tail beside it is nearly 0.
        tail = math.exp(e + scipy.stats.norm.logcdf(-e / mu - mu / 2))
        return scipy.stats.norm.cdf(-e / mu + mu / 2) - tail - delta

    return 0.0 if excess(0) <= 0 else scipy.optimize.brentq(excess, 0, mu * mu + 20 * mu + 20)

"""Nats of information about the forgotten data that noisy user weights can still hold, at most.

Two Gaussians of standard deviation sigma whose means are a distance apart differ by

    KL = distance^2 / (2 sigma^2)  nats,

and that bounds what ANY reader of the weights learns about the forgotten data, on average over them
(Golatkar et al., CVPR 2021, and its predecessors). The reference is the retrained model WITH the
same noise. All three measures need noise on the weights that were published; none of them covers
a reader who also knows the weights from before the request, nor the core's data.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kit.datasets.split import Split
from kit.parts.linear import LeastSquares
from kit.parts.mixed_linear import MixedLinear, gaussian
from kit.training import batches


def oracle_nats(u: Tensor, retrained: Tensor, sigma: float) -> float:
    """``|u - u_r|^2 / (2 sigma^2)``: the tightest, if the retrained optimum ``u_r`` is known.

    ``u`` are the weights before the last request's noise.
    """
    return float((u - retrained).double().square().sum()) / (2 * _positive(sigma) ** 2)


def certified_nats(loss: LeastSquares, u: Tensor, sigma: float) -> float:
    """``|g_r(u)|^2 / (2 penalty^2 sigma^2)``, from one gradient on the retained data.

    Strong convexity gives ``|u - u_r| <= |g_r(u)| / penalty``, so it is never below the oracle's,
    and far above it where most eigenvalues of the Hessian are far above the penalty.
    """
    gradient = loss.gradient(u).double().square().sum()
    return float(gradient) / (2 * loss.penalty**2 * _positive(sigma) ** 2)


@dataclass(frozen=True)
class Constants:
    """What the theorem's formula needs, all of it measurable where retraining is possible.

    Attributes
    ----------
    contraction
        in (0, 1): squared distance to the optimum after the solver, over that before it, in the
        direction where it falls least.
    movement
        distance of the optimum before and after a request, over the request's share of the data.
    floor
        squared distance to the optimum that the solver's mini-batches leave however long it runs.
    size
        number of user weights.
    """

    contraction: float
    movement: float
    floor: float
    size: int


def theorem_nats(c: Constants, share: float, sigma: float) -> float:
    """The paper's theorem with measured constants, after any number of equal requests.

    With ``E = contraction ((1 + 1/a) movement^2 share^2 + size sigma^2) + floor``, the nats are
    ``E / (2 sigma^2 (1 - (1 + a) contraction))`` at the best ``0 < a < 1 / contraction - 1``: a
    plateau, which is the noise of earlier requests, and ``1 / sigma^2`` above it. It does not grow
    with the number of requests.

    Raises
    ------
    ValueError
        a contraction outside (0, 1): such a solver comes no nearer, and nothing is bounded.
    """
    if not 0 < c.contraction < 1:
        raise ValueError(f"contraction must lie in (0, 1), got {c.contraction}")
    top = 1 / c.contraction - 1

    def bound(a: float) -> float:
        moved = (1 + 1 / a) * c.movement**2 * share**2 + c.size * _positive(sigma) ** 2
        squared = (c.contraction * moved + c.floor) / (1 - (1 + a) * c.contraction)
        return squared / (2 * sigma**2)

    return min(bound(top * k / 200) for k in range(1, 200))


@torch.no_grad()
def noise_response(
    model: MixedLinear, split: Split, *, draws: int = 5, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Logits ``[N, classes]`` and what unit noise adds to them, ``[draws, N, classes]``.

    The network is linear in its user weights: one pass serves every sigma.
    """
    noise = torch.stack([gaussian(model.user.detach(), seed + k) for k in range(draws)])
    logits, added = [], []
    for x, _ in batches(split):
        inputs = model.linear.below(x)
        logits.append(sum(model.linear.jvp(inputs, model.user.detach())))
        added.append(model.linear.jvps(inputs, noise))
    return torch.cat(logits).cpu(), torch.cat(added, 1).cpu()


def accuracy_under_noise(
    model: MixedLinear, split: Split, sigmas: list[float], *, draws: int = 5, seed: int = 0
) -> list[float]:
    """Accuracy in [0, 1] with noise of each standard deviation, mean over draws."""
    logits, added = noise_response(model, split, draws=draws, seed=seed)
    said = ((logits + sigma * added).argmax(-1) == split.y for sigma in sigmas)
    return [right.double().mean().item() for right in said]


def largest_sigma(
    model: MixedLinear, split: Split, *, loss: float = 0.01, draws: int = 5, seed: int = 0
) -> float:
    """The noise that costs this much accuracy on ``split``: the largest on a grid of 40 a decade.

    Raises
    ------
    ValueError
        even the least noise of the grid costs more.
    """
    logits, added = noise_response(model, split, draws=draws, seed=seed)
    level = (logits.argmax(1) == split.y).double().mean().item() - loss
    best = 0.0
    for k in range(-240, 81):
        sigma = 10 ** (k / 40)
        right = ((logits + sigma * added).argmax(-1) == split.y).double().mean().item()
        if right < level:
            break
        best = sigma
    if not best:
        raise ValueError(f"a standard deviation of 1e-6 already costs more than {loss:.1%}")
    return best


def _positive(sigma: float) -> float:
    if not sigma > 0 or math.isinf(sigma):
        raise ValueError(f"without noise nothing is bounded: sigma must be positive, got {sigma}")
    return sigma

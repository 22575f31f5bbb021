"""Newton steps without a matrix: products with a Hessian, and conjugate gradients to invert them.

One step ``w - H^-1 g`` on the retained data is how many unlearning methods take data out, under the
names of influence function, Newton update or second-order removal. All of it works on one flat
vector of weights and a function ``v -> H v``.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp

from kit.datasets.split import Split
from kit.parts.attention import plain_attention
from kit.parts.freezing import trainable
from kit.runtime.cost import count_passes
from kit.runtime.device import device, full_precision
from kit.training import BATCH, at_once

# On its first use forward mode compiles its rules with torch.jit, which torch says is deprecated.
warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)

Product = Callable[[Tensor], Tensor]  # v -> A v, for flat vectors


class Entropy:
    """``L(w) = 1/n sum cross-entropy + penalty/2 |w|^2`` of a network in eval mode, on one split.

    Parameters
    ----------
    damping
        added to the Hessian's diagonal, not to the loss: away from a minimum of an ordinary network
        the Hessian has negative directions, which conjugate gradients cannot invert.
    """

    def __init__(
        self, model: nn.Module, split: Split, *, penalty: float = 0.0, damping: float = 0.0
    ):
        self.model, self.split = model.to(device()).eval(), split
        self.penalty, self.damping = penalty, damping
        self.weights = {name: p.detach() for name, p in trainable(model).items()}
        self.like = next(iter(self.weights.values()))  # images must be of its type and device
        self.y = split.y.to(self.like.device)

    def flat(self) -> Tensor:
        """The network's weights as one vector."""
        return flatten(self.weights)

    def gradient(self) -> Tensor:
        """At the network's weights."""
        return self._mean(lambda weights, rows: grad(self._sum)(weights, rows), backward=1)

    def hessian(self, v: Tensor) -> Tensor:
        """``(H + damping) v`` by forward over reverse mode: two gradients' worth of work."""
        tangent = unflatten(v, self.weights)

        def product(weights: dict, rows: Tensor) -> dict:
            return jvp(lambda w: grad(self._sum)(w, rows), (weights,), (tangent,))[1]

        along = self._mean(product, backward=2, at=v)
        return along + self.damping * v

    def _sum(self, weights: dict, rows: Tensor) -> Tensor:
        x = self.split.take(rows).inputs().to(self.like)
        with plain_attention():
            logits = functional_call(self.model, weights, (x,))
        return F.cross_entropy(logits, self.y[rows], reduction="sum")

    @full_precision()
    def _mean(self, part: Callable, *, backward: int, at: Tensor | None = None) -> Tensor:
        total = 0
        for rows in torch.arange(len(self.y)).split(at_once(self.split, BATCH)):
            total = total + flatten(part(self.weights, rows))
            count_passes(self.split.kind, forward=len(rows), backward=backward * len(rows))
        return total / len(self.y) + self.penalty * (self.flat() if at is None else at)


def flatten(tensors: dict[str, Tensor]) -> Tensor:
    """All tensors as one vector, in their order."""
    return torch.cat([t.reshape(-1) for t in tensors.values()])


def unflatten(vector: Tensor, like: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of ``flatten``, for tensors of these names and shapes."""
    parts = vector.split([t.numel() for t in like.values()])
    return {name: v.view(t.shape) for v, (name, t) in zip(parts, like.items(), strict=True)}


def newton_removal(
    model: nn.Module, retain: Split, *, penalty: float, damping: float = 0.0, max_steps: int = 100,
    tolerance: float = 1e-4,
) -> nn.Module:  # fmt: skip
    """``w - (H_r + damping)^-1 g_r``: one Newton step on the retained data.

    It is changed in place, and returned. For a model that is linear in its weights one step takes
    the forgotten data out nearly exactly (exactly, were the loss quadratic); for others it holds
    near the weights only, as far as the damping lets it go.

    Raises
    ------
    ValueError
        the damped Hessian is not positive definite: raise ``damping``.
    """
    loss = Entropy(model, retain, penalty=penalty, damping=damping)
    step = conjugate_gradients(
        loss.hessian, loss.gradient(), tolerance=tolerance, max_steps=max_steps
    )
    after = unflatten(loss.flat() - step.x, loss.weights)
    with torch.no_grad():
        for name, p in trainable(model).items():
            p.copy_(after[name])
    return model


@dataclass
class Solved:
    """The outcome of ``conjugate_gradients``: ``x`` and the relative residual after each step."""

    x: Tensor
    residuals: list[float] = field(default_factory=list)


def conjugate_gradients(
    product: Product,
    b: Tensor,
    *,
    start: Tensor | None = None,
    tolerance: float = 1e-8,
    max_steps: int = 1000,
    precondition: Product | None = None,
    after_step: Callable[[Tensor], bool] | None = None,
) -> Solved:
    """Solve ``A x = b`` for a symmetric positive definite ``A`` (Hestenes and Stiefel 1952).

    Parameters
    ----------
    product
        ``v -> A v``, for flat vectors.
    tolerance
        stop where ``|b - A x| <= tolerance * |b|``.
    precondition
        ``r -> M^-1 r``, for an ``M`` that resembles ``A`` and is easy to invert.
    after_step
        is given ``x`` after each step; true stops.

    Raises
    ------
    ValueError
        ``A`` turns out not to be positive definite.
    """
    x = torch.zeros_like(b) if start is None else start.clone()
    r = b - product(x) if start is not None else b.clone()
    out = Solved(x)
    goal = tolerance * float(b.double().norm())
    z = precondition(r) if precondition else r
    p, rz = z.clone(), _dot(r, z)
    for _ in range(max_steps):
        if float(r.double().norm()) <= goal:
            break
        ap = product(p)
        curvature = _dot(p, ap)
        if curvature <= 0:
            raise ValueError(f"the matrix is not positive definite: p^T A p = {curvature:.3g}")
        step = rz / curvature
        x += step * p
        r -= step * ap
        z = precondition(r) if precondition else r
        before, rz = rz, _dot(r, z)
        p = z + (rz / before) * p
        out.residuals.append(float(r.double().norm() / b.double().norm()))
        if after_step and after_step(x):
            break
    return out


def largest_eigenvalue(product: Product, size: int, *, steps: int = 20, seed: int = 0) -> float:
    """Of a symmetric positive definite ``A``, from below, by power iteration."""
    v = torch.randn(size, generator=torch.Generator().manual_seed(seed)).to(device())
    value = 0.0
    for _ in range(steps):
        v = v / v.norm()
        av = product(v)
        value, v = _dot(v, av), av
    return value


def _dot(one: Tensor, other: Tensor) -> float:
    return float(one.double() @ other.double())

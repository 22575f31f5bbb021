"""Linearised networks, and least squares on them by products with the Jacobian alone.

    f(x; u) = f(x) + J(x) u,    J(x) = d f(x) / d w at the weights w of a frozen network

The network stays a function of its frozen weights, in eval mode; ``u`` is one flat vector. The
Jacobian, ``[classes, weights]`` for every image, is never formed: ``J u`` costs a forward pass in
forward mode, ``J^T e`` a forward and a backward pass.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp

from kit.cost import count_passes
from kit.splits import Split
from kit.training import device

BATCH = 250  # images a product is computed for at a time

Product = Callable[[Tensor], Tensor]  # v -> A v


class Linearised:
    """A frozen network and its derivative.

    Parameters
    ----------
    core
        is put into eval mode and not changed.
    layers
        only parameters whose names start so are linearised ("stage3", "head"); by default all.

    Raises
    ------
    ValueError
        no parameter has such a name.
    """

    def __init__(self, core: nn.Module, layers: Sequence[str] | None = None):
        self.core = core.eval().requires_grad_(False)
        named = dict(core.named_parameters())
        chosen = tuple(layers) if layers is not None else ("",)
        self.shapes = {name: p.shape for name, p in named.items() if name.startswith(chosen)}
        if not self.shapes:
            raise ValueError(f"no parameter starts with {' or '.join(chosen)}: {', '.join(named)}")
        self.size = sum(shape.numel() for shape in self.shapes.values())

    @property
    def weights(self) -> dict[str, Tensor]:
        """The frozen weights that are linearised."""
        named = dict(self.core.named_parameters())
        return {name: named[name] for name in self.shapes}

    def zeros(self) -> Tensor:
        """``u = 0``, at which the linearised network is the core."""
        return next(iter(self.weights.values())).new_zeros(self.size)

    def unflatten(self, u: Tensor) -> dict[str, Tensor]:
        """A flat vector ``[size]`` as tensors of the weights' shapes."""
        parts = u.split([shape.numel() for shape in self.shapes.values()])
        return {
            name: part.view(shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def flatten(self, tensors: dict[str, Tensor]) -> Tensor:
        """The inverse of ``unflatten``."""
        return torch.cat([tensors[name].reshape(-1) for name in self.shapes])

    def jvp(self, x: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """``f(x)`` and ``J(x) u``, both ``[B, classes]``, in one pass."""
        return jvp(self._at(x), (self.weights,), (self.unflatten(u),))

    def vjp(self, x: Tensor, e: Tensor) -> Tensor:
        """``sum_i J(x_i)^T e_i`` for ``e`` ``[B, classes]``: flat ``[size]``."""
        _, pull = vjp(self._at(x), self.weights)
        return self.flatten(pull(e)[0])

    def __call__(self, x: Tensor, u: Tensor) -> Tensor:
        """``f(x) + J(x) u``: logits ``[B, classes]``."""
        return sum(self.jvp(x, u))

    def _at(self, x: Tensor):
        return lambda weights: functional_call(self.core, weights, (x,))


class LeastSquares:
    """``L(u) = 1/2n sum |f(x) + J(x) u - scale * onehot(y)|^2 + penalty/2 |u|^2`` on one split.

    Strongly convex and quadratic: its gradient is affine in ``u``, its Hessian
    ``H = 1/n sum J^T J + penalty`` is constant. All sums are means over the images, so that a
    Newton step is ``u - H^-1 gradient(u)`` whatever their number.
    """

    def __init__(self, model: Linearised, split: Split, *, scale: float, penalty: float):
        if not len(split):
            raise ValueError("least squares need at least one image")
        if penalty <= 0:
            raise ValueError(f"penalty must be positive, or the minimum is not unique: {penalty}")
        self.model, self.split, self.penalty = model, split, penalty
        like = next(iter(model.weights.values()))
        self.x = split.inputs().to(device(), like.dtype)
        self.target = scale * F.one_hot(split.y, split.num_classes).to(device(), like.dtype)

    def __len__(self):
        return len(self.x)

    def loss(self, u: Tensor) -> float:
        """``L(u)``."""
        square = sum(self._residual(rows, u).square().sum() for rows in self._batches())
        return float(square / (2 * len(self)) + self.penalty / 2 * u.square().sum())

    def gradient(self, u: Tensor, rows: Tensor | None = None) -> Tensor:
        """``1/n sum J^T (f + J u - y) + penalty u``, over all images or over these rows."""
        return self._mean(rows, lambda part: self._residual(part, u)) + self.penalty * u

    def hessian(self, v: Tensor, rows: Tensor | None = None) -> Tensor:
        """``H v``, over all images or over these rows."""

        def product(part: Tensor) -> Tensor:
            self._count(part, forward=1)
            return self.model.jvp(self.x[part], v)[1]

        return self._mean(rows, product) + self.penalty * v

    def _residual(self, rows: Tensor, u: Tensor) -> Tensor:
        self._count(rows, forward=1)
        return self.model(self.x[rows], u) - self.target[rows]

    def _mean(self, rows: Tensor | None, errors: Callable[[Tensor], Tensor]) -> Tensor:
        total, count = self.model.zeros(), 0
        for part in self._batches(rows):
            total += self.model.vjp(self.x[part], errors(part))
            self._count(part, forward=1, backward=1)
            count += len(part)
        return total / count

    def _batches(self, rows: Tensor | None = None) -> Sequence[Tensor]:
        return (torch.arange(len(self)) if rows is None else rows).split(BATCH)

    def _count(self, rows: Tensor, **passes: int) -> None:
        count_passes(self.split.kind, **{way: n * len(rows) for way, n in passes.items()})


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

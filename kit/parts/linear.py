"""Linearised networks, and least squares on them by products with the Jacobian alone.

    f(x; u) = f(x) + J(x) u,    J(x) = d f(x) / d w at the weights w of a frozen network

The network stays a function of its frozen weights, in eval mode; ``u`` is one flat vector. The
Jacobian, ``[classes, weights]`` for every image, is never formed: ``J u`` costs a forward pass in
forward mode, ``J^T e`` a forward and a backward pass.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp, vmap

from kit.datasets.split import Split
from kit.models.cut import cut
from kit.parts.attention import plain_attention
from kit.parts.newton import flatten, unflatten
from kit.runtime.cost import count_passes
from kit.runtime.device import full_precision
from kit.runtime.progress import progress
from kit.training import BATCH

# Many short steps: curvatures differ by factors of thousands, and a step is as long as the largest
# allows.
STEP, MOMENTUM = 16, 0.97  # images a step

Inputs = tuple[Tensor, ...]  # what the first linearised layer reads, each [B, ...]


class Linearised:
    """A frozen network and its derivative.

    Parameters
    ----------
    core
        is put into eval mode and not changed.
    layers
        only parameters whose names start so are linearised ("stage3", "head"); by default all. What
        comes before the first of them is computed once for each image: see ``below``.

    Raises
    ------
    ValueError
        no parameter has such a name.
    """

    def __init__(self, core: nn.Module, layers: Sequence[str] | None = None):
        core.eval().requires_grad_(False)
        named = dict(core.named_parameters())
        chosen = tuple(layers) if layers is not None else ("",)
        self.names = [name for name in named if name.startswith(chosen)]
        if not self.names:
            raise ValueError(f"no parameter starts with {' or '.join(chosen)}: {', '.join(named)}")
        self.size = sum(named[name].numel() for name in self.names)
        self._before, self._after = cut(core, self.names) or ((lambda x: (x,)), core)

    @property
    def weights(self) -> dict[str, Tensor]:
        """The frozen weights that are linearised."""
        named = dict(self._after.named_parameters())
        return {name: named[name] for name in self.names}

    def zeros(self) -> Tensor:
        """``u = 0``, at which the linearised network is the core."""
        return next(iter(self.weights.values())).new_zeros(self.size)

    @full_precision()
    def below(self, x: Tensor) -> Inputs:
        """What the first linearised layer reads of images ``[B, C, S, S]``: worth keeping."""
        return self._before(x)

    @full_precision()
    def jvp(self, inputs: Inputs, u: Tensor) -> tuple[Tensor, Tensor]:
        """``f(x)`` and ``J(x) u``, both ``[B, classes]``, in one pass."""
        weights = self.weights
        return jvp(self._at(inputs), (weights,), (unflatten(u, weights),))

    def jvps(self, inputs: Inputs, vectors: Tensor) -> Tensor:
        """``J(x) u`` for each row of ``[k, size]``, with one forward pass: ``[k, B, classes]``."""
        return vmap(lambda u: self.jvp(inputs, u)[1])(vectors)

    @full_precision()
    def vjp(self, inputs: Inputs, e: Tensor) -> Tensor:
        """``sum_i J(x_i)^T e_i`` for ``e`` ``[B, classes]``: flat ``[size]``."""
        _, pull = vjp(self._at(inputs), self.weights)
        return flatten(pull(e)[0])

    def __call__(self, x: Tensor, u: Tensor) -> Tensor:
        """``f(x) + J(x) u``: logits ``[B, classes]``."""
        return sum(self.jvp(self.below(x), u))

    def _at(self, inputs: Inputs) -> Callable[[dict], Tensor]:
        def after(weights: dict[str, Tensor]) -> Tensor:
            with plain_attention():
                return functional_call(self._after, weights, inputs)

        return after


class LeastSquares:
    """``L(u) = 1/2n sum |f(x) + J(x) u - scale * onehot(y)|^2 + penalty/2 |u|^2`` on one split.

    Strongly convex and quadratic: its gradient is affine in ``u``, its Hessian
    ``H = 1/n sum J^T J + penalty`` is constant. All sums are means over the images, so that a
    Newton step is ``u - H^-1 gradient(u)`` whatever their number. No autograd graph goes through.
    """

    @torch.no_grad()
    def __init__(self, model: Linearised, split: Split, *, scale: float, penalty: float):
        if not len(split):
            raise ValueError("least squares need at least one image")
        if penalty <= 0:
            raise ValueError(f"penalty must be positive, or the minimum is not unique: {penalty}")
        self.model, self.split, self.penalty = model, split, penalty
        like = next(iter(model.weights.values()))
        parts = [
            model.below(split.take(rows).inputs().to(like.device, like.dtype))
            for rows in self._batches()
        ]
        count_passes(split.kind, forward=len(split))
        self.inputs = tuple(torch.cat(kept) for kept in zip(*parts, strict=True))
        self.target = scale * F.one_hot(split.y, split.num_classes).to(like.device, like.dtype)

    def __len__(self):
        return len(self.split)

    def loss(self, u: Tensor) -> float:
        """``L(u)``."""
        return self.misfit(u) + self.penalty / 2 * float(u.square().sum())

    @torch.no_grad()
    def misfit(self, u: Tensor) -> float:
        """``L(u)`` without the penalty."""
        square = 0.0
        for rows in self._batches():
            logits = sum(self.model.jvp(self._inputs(rows), u))
            square += float((logits - self.target[rows]).square().sum())
            self._count(rows, forward=1)
        return square / (2 * len(self))

    @torch.no_grad()
    def gradient(self, u: Tensor, rows: Tensor | None = None) -> Tensor:
        """``1/n sum J^T (f + J u - y) + penalty u``, over all images or over these rows."""

        def error(part: Tensor) -> Tensor:
            return sum(self.model.jvp(self._inputs(part), u)) - self.target[part]

        return self._pulled(error, rows) + self.penalty * u

    @torch.no_grad()
    def hessian(self, v: Tensor, rows: Tensor | None = None) -> Tensor:
        """``H v``, over all images or over these rows."""

        def error(part: Tensor) -> Tensor:
            return self.model.jvp(self._inputs(part), v)[1]

        return self._pulled(error, rows) + self.penalty * v

    @torch.no_grad()
    def diagonal(self, *, draws: int = 4, seed: int = 0) -> Tensor:
        """An unbiased estimate of the diagonal of ``H``, never below ``penalty``.

        With random signs e, the square of ``sum_i J_i^T e_i`` has the mean ``sum_i diag(J_i^T
        J_i)``: one product for a batch and draw.
        """
        signs = torch.Generator().manual_seed(seed)
        total = self.model.zeros()
        for rows in self._batches():
            for _ in range(draws):
                e = torch.randint(0, 2, self.target[rows].shape, generator=signs) * 2.0 - 1
                total += self.model.vjp(self._inputs(rows), e.to(self.target)).square()
                self._count(rows, forward=1, backward=1)
        return total / (draws * len(self)) + self.penalty

    def _inputs(self, rows: Tensor) -> Inputs:
        return tuple(kept[rows] for kept in self.inputs)

    def _pulled(self, error: Callable[[Tensor], Tensor], rows: Tensor | None) -> Tensor:
        """``1/n sum J^T e`` with the errors of each batch."""
        parts = self._batches(rows)
        total = self.model.zeros()
        for part in parts:
            total += self.model.vjp(self._inputs(part), error(part))
            # Forward with a derivative, and again for the transpose; once back.
            self._count(part, forward=2, backward=1)
        return total / sum(map(len, parts))

    def _batches(self, rows: Tensor | None = None) -> Sequence[Tensor]:
        return (torch.arange(len(self)) if rows is None else rows).split(BATCH)

    def _count(self, rows: Tensor, **passes: int) -> None:
        count_passes(self.split.kind, **{way: n * len(rows) for way, n in passes.items()})


def descend(
    slope: Callable[[Tensor, Tensor], Tensor], start: Tensor, count: int, *, epochs: int, lr: float,
    momentum: float = MOMENTUM, batch_size: int = STEP, annealed: bool = False, seed: int = 0,
    title: str = "descending",
) -> Tensor:  # fmt: skip
    """Stochastic gradient descent on ``count`` images from ``start``; the vector it ends at.

    Parameters
    ----------
    slope
        ``(v, rows) -> gradient`` on a mini-batch.
    annealed
        lower ``lr`` linearly to 0.
    """
    draw = torch.Generator().manual_seed(seed)
    v, speed, step = start.clone(), torch.zeros_like(start), 0
    steps = epochs * -(-count // batch_size)
    for _ in progress(range(epochs), title):
        for rows in torch.randperm(count, generator=draw).split(batch_size):
            speed = momentum * speed + slope(v, rows)
            v -= lr * (1 - step / steps if annealed else 1) * speed
            step += 1
    return v

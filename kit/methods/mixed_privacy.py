"""Mixed-privacy forgetting: user data enter a linear model, and one Newton step takes them out.

Golatkar, Achille, Ravichandran, Polito, Soatto, "Mixed-Privacy Forgetting in Deep Networks", CVPR
2021 (arXiv:2012.13431). A core network, trained on data that need never be forgotten, stays frozen;
the user's data train the weights ``u`` of its linearisation alone (``MixedLinear``):

    f(x; u) = f_core(x) + J(x) u
    L(u)    = 1/2n sum |f(x; u) - scale * onehot(y)|^2 + penalty/2 |u|^2

Forgetting is a Newton step on the retained data. It lands on their optimum from ANY u, because the
loss is quadratic:

    u <- u - H_r^-1 g_r(u) + sigma * noise,     g_r, H_r: gradient and Hessian on D_r

    1. g_r on all retained images
    2. solve H_r v = g_r by a few epochs of SGD on  1/2 v^T H_r v - g_r^T v
    3. subtract v, add noise that hides what the solver missed

Needs    all retained user images; none of the forgotten ones.
Cost     3 products with the Jacobian for g_r, and 3 for each epoch of the solver.

Solvers
    "complete"    step 2 with the exact g_r of step 1 (the paper's choice).
    "stochastic"  gradient and Hessian both from the mini-batch: fine-tuning of u.
    "cg"          conjugate gradients: as exact as you wait for.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kit.linear import LeastSquares, Linearised, conjugate_gradients, largest_eigenvalue
from kit.methods.access import Needs, TaskView
from kit.methods.registry import register
from kit.progress import progress
from kit.splits import Split

SOLVERS = ("complete", "stochastic", "cg")


class MixedLinear(nn.Module):
    """A frozen core network and the user weights of its linearisation.

    Parameters
    ----------
    core
        is copied by nobody, put into eval mode and frozen.
    layers
        only parameters whose names start so get user weights; by default all.
    scale
        of the one-hot targets.
    penalty
        L2 on the user weights: the distance from the core.
    """

    def __init__(self, core: nn.Module, *, layers=None, scale: float = 5.0, penalty: float = 1e-3):
        super().__init__()
        self.linear = Linearised(core, layers)
        self.core = core
        self.scale, self.penalty = scale, penalty
        self.user = nn.Parameter(self.linear.zeros())

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x, self.user)

    def train(self, mode: bool = True) -> "MixedLinear":
        """The core stays in eval mode: its derivative is that of one fixed function."""
        super().train(mode)
        self.core.eval()
        return self

    def loss(self, split: Split) -> LeastSquares:
        """The quadratic of the user weights on some images."""
        return LeastSquares(self.linear, split, scale=self.scale, penalty=self.penalty)

    def zero(self) -> None:
        """Forget all user data: what is left is the core network."""
        with torch.no_grad():
            self.user.zero_()

    def learn(self, split: Split, *, tolerance: float = 1e-4, max_steps: int = 100) -> list[float]:
        """Train the user weights on a split by conjugate gradients; the relative residuals."""
        loss = self.loss(split)
        with torch.no_grad():
            found = conjugate_gradients(
                loss.hessian, -loss.gradient(torch.zeros_like(self.user)), start=self.user.detach(),
                tolerance=tolerance, max_steps=max_steps,
            )  # fmt: skip
            self.user.copy_(found.x)
        return found.residuals


@dataclass(frozen=True)
class Config:
    """How to solve for the Newton step, and how much noise to add."""

    solver: str = "complete"
    epochs: int = 3  # of SGD; for "cg" the number of products with the Hessian
    lr: float | None = None  # None: 1 over the largest eigenvalue of H_r
    momentum: float = 0.9
    batch_size: int = 128
    sigma: float = 0.0  # standard deviation of the noise on every user weight

    def __post_init__(self):
        if self.solver not in SOLVERS:
            raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, got {self.solver!r}")
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.sigma < 0:
            raise ValueError(f"sigma must not be negative, got {self.sigma}")


@register(
    "mixed_privacy",
    level=("class", "sample"),
    needs=Needs(retain="all"),
    paper="golatkar2021mixed",
    config=Config,
    takes=MixedLinear,
)
@torch.no_grad()
def mixed_privacy(model: MixedLinear, view: TaskView, config: Config, seed: int) -> dict:
    """Steps 1 to 3; the history holds how far the solver has come: ``|H_r v - g_r| / |g_r|``."""
    loss, u = model.loss(view.retain), model.user.detach().clone()
    gradient = loss.gradient(u)
    if config.solver == "cg":
        solved = conjugate_gradients(loss.hessian, gradient, max_steps=config.epochs)
        step, trace = solved.x, solved.residuals
    else:
        step, trace = descend(loss, u, gradient, config, seed), []
    draw = torch.Generator(u.device).manual_seed(seed)
    noise = torch.randn(u.shape, generator=draw, device=u.device, dtype=u.dtype)
    model.user.copy_(u - step + config.sigma * noise)
    return {"residual": trace}


def descend(loss: LeastSquares, u: Tensor, gradient: Tensor, config: Config, seed: int) -> Tensor:
    """SGD on ``1/2 v^T H_r v - g_r^T v`` from 0: an approximation of ``H_r^-1 g_r``.

    ``gradient`` is the exact ``g_r``; "stochastic" takes that of the mini-batch in its place.
    """
    lr = config.lr or 1 / largest_eigenvalue(
        lambda v: loss.hessian(v, torch.arange(min(len(loss), config.batch_size))), len(u), steps=10
    )
    draw = torch.Generator().manual_seed(seed)
    v, speed = torch.zeros_like(u), torch.zeros_like(u)
    for _ in progress(range(config.epochs), "Newton step"):
        for rows in torch.randperm(len(loss), generator=draw).split(config.batch_size):
            if config.solver == "complete":
                slope = loss.hessian(v, rows) - gradient
            else:
                slope = -loss.gradient(u - v, rows)
            speed = config.momentum * speed + slope
            v = v - lr * (1 - config.momentum) * speed
    return v

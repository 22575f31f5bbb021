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
Cost     a pass of products with the Jacobian over the retained images for g_r, and one for each
         epoch of the solver.

Solvers
    "complete"    step 2 with the exact g_r of step 1 (the paper's choice).
    "stochastic"  gradient and Hessian both from the mini-batch: fine-tuning of u.
    "cg"          conjugate gradients: as exact as you wait for.
    "none"        no Newton step, noise alone: a baseline.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kit.linear import MOMENTUM, STEP, LeastSquares, Linearised, descend
from kit.methods.access import Needs, TaskView
from kit.methods.registry import register
from kit.newton import conjugate_gradients, largest_eigenvalue
from kit.splits import Split

SOLVERS = ("complete", "stochastic", "cg", "none")
RATE = 0.5  # SGD's learning rate, times the largest eigenvalue of the Hessian of a batch


class MixedLinear(nn.Module):
    """A frozen core network and the user weights of its linearisation.

    Parameters
    ----------
    core
        becomes part of it, is put into eval mode and frozen.
    layers
        only parameters whose names start so get user weights; by default all.
    scale
        of the one-hot targets.
    penalty
        L2 on the user weights: the distance from the core.

    Raises
    ------
    ValueError
        no parameter has such a name, a scale that is not positive.
    """

    def __init__(
        self, core: nn.Module, *, layers: Sequence[str] | None = None, scale: float = 5.0,
        penalty: float = 0.01,
    ):  # fmt: skip
        super().__init__()
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.linear = Linearised(core, layers)
        self.core = core
        self.scale, self.penalty = scale, penalty
        self.user = nn.Parameter(self.linear.zeros())
        self.register_buffer("rate", torch.zeros(()))  # of SGD; measured while learning

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

    @torch.no_grad()
    def zero(self) -> None:
        """Forget all user data: what is left is the core network."""
        self.user.zero_()

    @torch.no_grad()
    def blur(self, sigma: float, seed: int) -> None:
        """Add Gaussian noise of this standard deviation to every user weight."""
        self.user += sigma * gaussian(self.user, seed)

    @torch.no_grad()
    def learn(self, split: Split, *, tolerance: float = 1e-4, max_steps: int = 100) -> list[float]:
        """Train the user weights by conjugate gradients; the relative residual of each step."""
        loss = self.loss(split)
        self.rate.fill_(learning_rate(loss))
        found = conjugate_gradients(
            loss.hessian, -loss.gradient(torch.zeros_like(self.user)), start=self.user.detach(),
            tolerance=tolerance, max_steps=max_steps,
        )  # fmt: skip
        self.user.copy_(found.x)
        return found.residuals

    @torch.no_grad()
    def learn_slowly(
        self, split: Split, *, epochs: int = 50, batch_size: int = STEP, seed: int = 0
    ) -> None:
        """Train the user weights by SGD with an annealed rate, as the paper does."""
        loss = self.loss(split)
        self.rate.fill_(learning_rate(loss))
        self.user.copy_(descend(
            loss.gradient, self.user.detach(), len(loss), epochs=epochs, lr=self.rate.item(),
            batch_size=batch_size, annealed=True, seed=seed, title="learning user weights",
        ))  # fmt: skip


@dataclass(frozen=True)
class Config:
    """How to solve for the Newton step, and how much noise to add."""

    solver: str = "complete"
    epochs: int = 3  # of SGD; for "cg" the number of products with the Hessian
    lr: float | None = None  # None: that of the model's learning, RATE / largest eigenvalue
    momentum: float = MOMENTUM
    batch_size: int = STEP
    annealed: bool = False  # lower the learning rate linearly to 0
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
    """Steps 1 to 3; for "cg" the history holds how far it has come, ``|H_r v - g_r| / |g_r|``."""
    residuals = []
    if config.solver != "none":
        loss, u = model.loss(view.retain), model.user.detach()
        gradient = loss.gradient(u)
        if config.solver == "cg":
            solved = conjugate_gradients(loss.hessian, gradient, max_steps=config.epochs)
            step, residuals = solved.x, solved.residuals
        else:
            rate = config.lr or model.rate.item() or learning_rate(loss)
            step = newton_step(loss, u, gradient, config, rate, seed)
        model.user -= step
    model.blur(config.sigma, seed)
    return {"residual": residuals}


def newton_step(
    loss: LeastSquares, u: Tensor, gradient: Tensor, config: Config, rate: float, seed: int
) -> Tensor:
    """SGD on ``1/2 v^T H_r v - g_r^T v`` from 0: an approximation of ``H_r^-1 g_r``.

    ``gradient`` is the exact ``g_r``; "stochastic" takes that of the mini-batch in its place.
    """

    def slope(v: Tensor, rows: Tensor) -> Tensor:
        if config.solver == "complete":
            return loss.hessian(v, rows) - gradient
        return -loss.gradient(u - v, rows)

    return descend(
        slope, torch.zeros_like(u), len(loss), epochs=config.epochs, lr=rate,
        momentum=config.momentum, batch_size=config.batch_size, annealed=config.annealed, seed=seed,
        title="Newton step",
    )  # fmt: skip


def learning_rate(loss: LeastSquares) -> float:
    """``RATE`` over the largest eigenvalue of the Hessian of one mini-batch, by ten products."""
    rows = torch.arange(min(len(loss), 128))
    size = loss.model.size
    return RATE / largest_eigenvalue(lambda v: loss.hessian(v, rows), size, steps=10)


def gaussian(like: Tensor, seed: int) -> Tensor:
    """Standard normal noise, the same on every device."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(like.shape, generator=draw, dtype=like.dtype).to(like.device)

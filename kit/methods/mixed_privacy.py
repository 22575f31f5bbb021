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

from dataclasses import dataclass

import torch
from torch import Tensor

from kit.methods import Needs, TaskView, register
from kit.parts.linear import MOMENTUM, STEP, LeastSquares, descend
from kit.parts.mixed_linear import MixedLinear, learning_rate
from kit.parts.newton import conjugate_gradients
from kit.runtime.checks import at_least, not_negative, one_of
from kit.runtime.cost import paused

SOLVERS = ("complete", "stochastic", "cg", "none")
DIVERGED = 2  # times the loss of the weights that it began with, or of none


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
        one_of("solver", self.solver, SOLVERS)
        at_least(1, epochs=self.epochs, batch_size=self.batch_size)
        not_negative(sigma=self.sigma)


@register(
    "mixed_privacy",
    level=("class", "sample"),
    needs=Needs(retain="all"),
    paper="golatkar2021mixed",
    config=Config,
    takes=MixedLinear,
    toy={"solver": "cg", "epochs": 60},
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

    Raises
    ------
    FloatingPointError
        the solver diverged: user weights of 0, or those that it began with, have a lower loss.
    """

    def slope(v: Tensor, rows: Tensor) -> Tensor:
        if config.solver == "complete":
            return loss.hessian(v, rows) - gradient
        return -loss.gradient(u - v, rows)

    v = descend(
        slope, torch.zeros_like(u), len(loss), epochs=config.epochs, lr=rate,
        momentum=config.momentum, batch_size=config.batch_size, annealed=config.annealed, seed=seed,
        title="Newton step",
    )  # fmt: skip
    with paused():  # no part of the method
        before = max(loss.loss(u), loss.loss(torch.zeros_like(u)))
        after = loss.loss(u - v)
    if not after <= DIVERGED * before:
        raise FloatingPointError(
            f"the solver diverged at the rate lr={rate:.2g}: the loss is {after / before:.2g} "
            f'times what it was; lower lr, or take solver="cg"'
        )
    return v

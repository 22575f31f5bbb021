"""``MixedLinear``: a frozen core network, and user data in the weights of its linearisation alone.

Golatkar et al., "Mixed-Privacy Forgetting in Deep Networks", CVPR 2021 (arXiv:2012.13431).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.parts.linear import STEP, LeastSquares, Linearised, descend
from kit.parts.newton import conjugate_gradients, largest_eigenvalue
from kit.runtime.checks import positive

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
        positive(scale=scale)
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


def learning_rate(loss: LeastSquares) -> float:
    """``RATE`` over the largest eigenvalue of the Hessian of one mini-batch, by ten products."""
    rows = torch.arange(min(len(loss), 128))
    size = loss.model.size
    return RATE / largest_eigenvalue(lambda v: loss.hessian(v, rows), size, steps=10)


def gaussian(like: Tensor, seed: int) -> Tensor:
    """Standard normal noise, the same on every device."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(like.shape, generator=draw, dtype=like.dtype).to(like.device)

"""Fine-tuning with an L1 penalty: a sparser network has less room for what it no longer sees.

Jia et al., "Model Sparsity Can Simplify Machine Unlearning", NeurIPS 2023 (arXiv:2304.04934).

    minimise  E_{D_r} CE(f(x), y) + gamma_t |theta|_1,   gamma_t = gamma * (1 - t / epochs)

in epoch t = 0, 1, ...; the penalty fades so that accuracy can recover. It covers every parameter,
biases and BatchNorm's included. Sub-gradient steps make weights small, not zero, and the strength
does not carry over between networks: there are as many terms as weights. With gamma = 0 the method
is ``finetune``. (The paper's other method prunes first and unlearns the sparse network.)

Needs    all retained images.
Cost     ``epochs`` passes over them.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from kit.methods import Needs, TaskView, register
from kit.parts.freezing import trainable
from kit.runtime.checks import not_negative
from kit.training import constant_rate, cross_entropy, cut, fit


@dataclass(frozen=True)
class Config:
    """Settings; SGD with momentum 0.9 and weight decay 5e-4."""

    gamma: float = 1e-5
    epochs: int = 2
    lr: float = 0.05  # constant
    batch_size: int = 128

    def __post_init__(self):
        not_negative(gamma=self.gamma)

    @classmethod
    def paper(cls, **options) -> "Config":
        """For a class of CIFAR-10 and ResNet-18, as remembered from the paper."""
        return cls(**{"gamma": 5e-4, "lr": 0.01, "epochs": 10, "batch_size": 256} | options)


@register(
    "l1_sparse",
    level=("class", "sample"),
    needs=Needs(retain="all"),
    paper="jia2023model",
    config=Config,
    grid={"gamma": (1e-5, 1e-4, 3e-4, 1e-3), "lr": (0.02, 0.05, 0.1), "epochs": (1, 2)},
    toy={"epochs": 6, "lr": 0.1, "batch_size": 32},
)
def l1_sparse(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Fine-tune on the retained images under a fading penalty."""
    recipe = constant_rate(config.epochs, config.lr, config.batch_size)
    steps = len(cut(view.retain.rows, config.batch_size))  # in an epoch
    plain, gamma = cross_entropy(), config.gamma

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return plain(model, x, y) + gamma * sum(p.abs().sum() for p in trainable(model).values())

    def fade(step: int) -> None:
        nonlocal gamma
        gamma = config.gamma * (1 - (step // steps) / config.epochs)

    history = fit(
        model, view.retain, recipe, seed=seed, loss=loss, after_step=fade, title="L1-sparse"
    )
    return {"loss": history.loss}

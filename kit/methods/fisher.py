"""Fisher forgetting: add noise to the weights that the retained images do not need.

Golatkar, Achille and Soatto, "Eternal Sunshine of the Spotless Net", CVPR 2020 (arXiv:1911.04933).
With the diagonal F of the Fisher information of the retained images and n ~ N(0, 1):

    "paper"   w_j <- w_j + (alpha v_j)^(1/4) n,   v = min(1 / F, 1000)
    "code"    w_j <- w_j + (alpha v_j)^(1/2) n,   v = min(1 / F, 1000), averaged over the input
              channels: one v for each output channel and place in the kernel. It is ten times
              larger for biases and BatchNorm; in the last layer at most 100, then ten times larger

To forget a class, the authors' code also draws the class's row of the last layer anew, around 0
(``surgery``). That alone makes the class vanish from the answers: compare with ``alpha=0``.

Needs    retained images (``amount`` of them), no forgotten one.
Cost     as many backward passes over them as there are classes.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from kit.methods import Needs, TaskView, register
from kit.models.heads import editable_head, write_rows
from kit.parts.freezing import trainable
from kit.parts.importance import squared_gradients
from kit.runtime.checks import not_negative, one_of
from kit.runtime.device import device

MOST = 1e3  # of 1 / F
MOST_IN_HEAD = 1e2
WIDER = 10.0  # biases, BatchNorm and the last layer, in the code
NEW_ROW = 1e-3  # variance of a class's row drawn anew


@dataclass(frozen=True)
class Config:
    """Settings; ``alpha`` scales the variance of the noise."""

    variant: str = "code"  # or "paper"
    alpha: float = 3e-7
    surgery: bool = True
    amount: str = "200 per class"  # of the retained images

    def __post_init__(self):
        one_of("variant", self.variant, ("paper", "code"))
        not_negative(alpha=self.alpha)

    @property
    def needs(self) -> Needs:
        return Needs(retain=self.amount)

    @classmethod
    def paper(cls, **options) -> "Config":
        """The authors' notebook: all retained images."""
        return cls(**{"amount": "all", "alpha": 1e-6} | options)


@register(
    "fisher",
    level=("class", "sample"),
    paper="golatkar2020eternal",
    config=Config,
    grid={"alpha": (1e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5), "variant": ("code", "paper")},
    toy={"alpha": 1e-05, "amount": "all"},
)
def fisher(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Measure F, add noise, redraw the rows of forgotten classes."""
    generator = Generator(device()).manual_seed(seed)
    information = squared_gradients(model, view.retain, labels="model") if config.alpha else {}
    last = {id(p) for p in model.head.parameters()}
    moved = 0.0
    with torch.no_grad():
        for name, weight in trainable(model).items():
            if config.alpha:
                spread = deviation(information[name], id(weight) in last, config)
                noise = spread * _normal(weight, generator)
                weight += noise
                moved += float(noise.square().sum())
        if config.surgery and view.forget_classes:
            rows = view.forget_classes
            head = editable_head(model)
            write_rows(head, rows, NEW_ROW**0.5 * _normal(head.weight[rows], generator))
            if head.bias is not None:
                head.bias[rows] = NEW_ROW**0.5 * _normal(head.bias[rows], generator)
    return {"distance": [moved**0.5]}


def deviation(information: Tensor, in_head: bool, config: Config) -> Tensor:
    """Standard deviation of the noise on each weight of one parameter."""
    if config.variant == "paper":
        return (config.alpha * (1 / information).clamp(max=MOST)) ** 0.25
    most = MOST_IN_HEAD if in_head else MOST
    variance = (1 / (information + 1e-8)).clamp(max=most)
    if in_head or information.dim() == 1:
        variance = WIDER * variance
    if information.dim() > 1:
        variance = variance.mean(1, keepdim=True)
    return (config.alpha * variance) ** 0.5


def _normal(like: Tensor, generator: Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device)

"""Random labels: teach the network wrong answers about the forgotten images.

    minimise  E_{D_f} CE(f(x), y~) + E_{D_r} CE(f(x), y),   y~ uniform over the other classes

The kit's name for what many benchmarks call "amnesiac"; the method of that name (Graves et al.,
AAAI 2021) subtracts recorded updates instead. Several published versions draw y~ from *all*
classes, so that one forgotten image in K keeps its true label (``exclude_truth=False``). Labels
that are drawn once are learnt by heart, and the images then look like members of another kind;
``redraw`` draws them anew for every batch. Either way the answers about a forgotten class become
uniform, where a retrained network sends them to similar classes. Where several classes are to be
forgotten, y~ may be another of them, as in the papers.

Needs    all retained and all forgotten images.
Cost     ``epochs`` passes over both.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from kit.methods import Needs, TaskView, register
from kit.runtime.device import device
from kit.training import Recipe, constant_rate, fit


@dataclass(frozen=True)
class Config:
    """Settings of the training on wrong labels."""

    epochs: int = 1
    lr: float = 1e-3
    optimizer: str = "adam"
    batch_size: int = 128
    redraw: bool = True
    exclude_truth: bool = True

    @property
    def recipe(self) -> Recipe:
        return constant_rate(self.epochs, self.lr, self.batch_size, self.optimizer)

    @classmethod
    def paper(cls, **options) -> "Config":
        """As in the SSD authors' comparison: Adam at 1e-4 for 3 epochs, labels drawn once."""
        return cls(**{"lr": 1e-4, "epochs": 3, "redraw": False} | options)


@register(
    "random_labels",
    level=("class", "sample"),
    needs=Needs(retain="all", forget="all"),
    paper="",
    config=Config,
    grid={"lr": (1e-4, 3e-4, 1e-3, 3e-3), "epochs": (1, 2), "redraw": (False, True)},
    toy={"epochs": 4, "lr": 0.003, "batch_size": 32, "redraw": False},
)
def random_labels(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Train on the retained images and on the forgotten ones with wrong labels, shuffled."""
    return {"loss": train_on_wrong_labels(model, view, config, seed)}


def train_on_wrong_labels(
    model: nn.Module,
    view: TaskView,
    config: object,
    seed: int,
    after_step: Callable[[int], None] | None = None,
) -> list[float]:
    """The training shared with SalUn, which looks after its mask in ``after_step``; the loss of
    each epoch."""
    k = view.num_classes
    if config.redraw:  # a label beyond the outputs says "draw one that is not it"
        forgotten = view.forget.labelled(view.forget.y + k)
    else:
        generator = Generator().manual_seed(seed)
        wrong = other_labels(view.forget.y, k, generator, config.exclude_truth)
        forgotten = view.forget.labelled(wrong)
    draw = Generator(device()).manual_seed(seed)

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        drawn = other_labels(y % k, k, draw, config.exclude_truth)
        return F.cross_entropy(model(x).float(), torch.where(y >= k, drawn, y))

    history = fit(
        model, [view.retain, forgotten], config.recipe, seed=seed, loss=loss,
        after_step=after_step, title="wrong labels",
    )  # fmt: skip
    return history.loss


def other_labels(y: Tensor, num_classes: int, generator: Generator, exclude: bool = True) -> Tensor:
    """For each label one drawn at random: another, or with ``exclude=False`` any."""
    if not exclude:
        return torch.randint(num_classes, y.shape, generator=generator, device=y.device)
    shift = torch.randint(1, num_classes, y.shape, generator=generator, device=y.device)
    return (y + shift) % num_classes

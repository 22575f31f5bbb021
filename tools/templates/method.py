"""TITLE: what it does, in one sentence.

Authors, "Paper", Venue Year (arXiv:...).

    the equation, as it is computed below

What the paper leaves open, and where its code differs from its text.

Needs    which images, and how many of them.
Cost     passes over them.
"""

from dataclasses import dataclass

from torch import nn

from kit.methods import Needs, TaskView, register
from kit.training import constant_rate, fit


@dataclass(frozen=True)
class Config:
    """Settings; say the optimiser."""

    epochs: int = 1
    lr: float = 0.02  # constant
    batch_size: int = 128

    @classmethod
    def paper(cls, **options) -> "Config":
        """The paper's values."""
        return cls(**{"lr": 0.01} | options)


@register(
    "NAME",
    level=("class",),
    needs=Needs(retain="all"),  # whatever is not named here, `view` refuses to give
    paper="",  # a key of book/references.bib
    config=Config,
    grid={"lr": (0.005, 0.01, 0.02, 0.05), "epochs": (1, 2)},  # for the fair tuning
    toy={"epochs": 6, "lr": 0.1, "batch_size": 32},  # for the contracts' toy request
)
def NAME(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Change ``model`` in place; what is returned becomes ``out.history``."""
    recipe = constant_rate(config.epochs, config.lr, config.batch_size)
    history = fit(model, view.retain, recipe, seed=seed, title="TITLE")
    return {"loss": history.loss}

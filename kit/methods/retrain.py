"""Retraining from scratch on the retained data: the gold standard.

Exact by construction: the forgotten images are never read, so no trace of them can remain. The
result is one draw from a distribution of models, because initialisation and order are random: the
spread between draws is the yardstick for every other method. For a feature the retained images are
those with the attribute independent of the class: nothing of it helps to decide.

Needs    all retained images; with ``amount`` a part of them, and then it is no gold standard.
Cost     a full training.
"""

from dataclasses import dataclass

from torch import nn

from kit.methods import Needs, TaskView, register
from kit.models.fresh import fresh
from kit.training import Recipe, fit


@dataclass(frozen=True)
class Config:
    """``recipe``: how to train, as the original was; ``amount``: of the retained images."""

    recipe: Recipe = Recipe()
    amount: str = "all"

    @property
    def needs(self) -> Needs:
        return Needs(retain=self.amount)


@register(
    "retrain",
    level=("class", "sample", "feature"),
    paper="",
    config=Config,
    toy={"recipe": Recipe(epochs=6, batch_size=32, lr=0.1, bf16=False)},
)
def retrain(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Give every parameter that can be trained a fresh value, then train on the retained images.

    Raises
    ------
    ValueError
        a model that cannot be made anew with fresh weights.
    """
    drawn, kept = fresh(model, seed).state_dict(), _frozen_state(model)
    model.load_state_dict({n: t for n, t in drawn.items() if n not in kept}, strict=not kept)
    history = fit(model, view.retain, config.recipe, seed=seed, title="retraining")
    return {"loss": history.loss}


def _frozen_state(model: nn.Module) -> set[str]:
    """Names of frozen parameters, and of the buffers that belong to frozen ones alone."""
    kept = set()
    for name, part in model.named_modules():
        own = dict(part.named_parameters(name, recurse=False))
        still = {n for n, p in own.items() if not p.requires_grad}
        buffers = (
            dict(part.named_buffers(name, recurse=False)) if own and len(still) == len(own) else {}
        )
        kept |= still | set(buffers)
    return kept

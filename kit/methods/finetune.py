"""Fine-tuning on the retained data: the hope that a network forgets what it no longer sees.

    minimise  E_{(x, y) in D_r} CE(f_theta(x), y),  starting at the original weights

The oldest baseline. The learning rate decides everything: too low forgets nothing, too high is half
a retraining.

Needs    all retained images.
Cost     ``epochs`` passes over them.
"""

from dataclasses import dataclass

from torch import nn

from kit.methods.access import Needs, TaskView
from kit.methods.registry import register
from kit.training import Recipe, fit


@dataclass(frozen=True)
class Config:
    """Settings of the fine-tuning; SGD with momentum 0.9 and weight decay 5e-4."""

    epochs: int = 2
    lr: float = 0.02  # constant
    batch_size: int = 128


@register("finetune", level=("class", "sample"), needs=Needs(retain="all"), paper="", config=Config)
def finetune(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Continue training, on the retained images only."""
    recipe = Recipe(
        epochs=config.epochs,
        lr=config.lr,
        batch_size=config.batch_size,
        schedule="constant",
        label_smoothing=0.0,
    )
    history = fit(model, view.retain, recipe, seed=seed, title="fine-tuning")
    return {"loss": history.loss}

"""Does it come back? How fast what was forgotten is learnt again."""

from kit.metrics.comes_back.relearn import (
    anamnesis_index,
    relearn_curve,
    relearn_epochs,
    relearn_steps,
    reliance_steps,
)

__all__ = [
    "anamnesis_index", "relearn_curve", "relearn_epochs", "relearn_steps", "reliance_steps",
]  # fmt: skip

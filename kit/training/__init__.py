"""Training: the loop, its recipes, and what is trained once and kept.

``loop``: ``fit`` and ``predict``. ``recipes``: how to train. ``augment``: random crops, flips and
the like. ``ensemble``: many networks as one. ``cache``: trained networks on disk. ``below``: what a
frozen lower part gives, on disk. ``profiles``: how large a chapter's experiment is. ``watch``: a
look after every epoch.
"""

from kit.runtime.device import bf16_is_fast, device, mixed_precision, seeded
from kit.training.loop import (
    BATCH,
    History,
    Loss,
    batches,
    check_model,
    cross_entropy,
    cut,
    fit,
    infer,
    predict,
)
from kit.training.recipes import Recipe, constant_rate, make_optimizer, schedule_factor

__all__ = [
    "BATCH", "History", "Loss", "Recipe", "batches", "bf16_is_fast", "check_model",
    "constant_rate", "cross_entropy", "cut", "device", "fit", "infer", "make_optimizer",
    "mixed_precision", "predict", "schedule_factor", "seeded",
]  # fmt: skip

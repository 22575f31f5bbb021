"""Training: the loop, its recipes, and what is trained once and kept.

``loop``: ``fit`` and ``predict``. ``batching``: images in batches. ``recipes``: how to train.
``augment``: random crops, flips and the like. ``ensemble``: many networks as one. ``cache``:
trained networks on disk. ``resume``: a training that was interrupted goes on. ``below``: what a
frozen lower part gives, on disk. ``profiles``: how large a chapter's experiment is. ``watch``: a
look after every epoch.
"""

from kit.runtime.device import bf16_is_fast, device, mixed_precision, seeded
from kit.training.batching import BATCH, at_once, batches, cut
from kit.training.loop import History, Loss, check_model, cross_entropy, fit, infer, predict
from kit.training.recipes import Recipe, constant_rate, make_optimizer, schedule_factor

__all__ = [
    "BATCH", "History", "Loss", "Recipe", "at_once", "batches", "bf16_is_fast", "check_model",
    "constant_rate", "cross_entropy", "cut", "device", "fit", "infer", "make_optimizer",
    "mixed_precision", "predict", "schedule_factor", "seeded",
]  # fmt: skip

"""Machine unlearning in image classifiers: methods and metrics, checked against retraining."""

__version__ = "0.1.0"

from kit import datasets, methods, metrics, models, plots, tasks
from kit.cache import trained
from kit.metrics import evaluate
from kit.profiles import profile
from kit.show import show
from kit.sweep import sweep
from kit.training import Recipe, fit, predict
from kit.unlearning import unlearn

__all__ = [
    "Recipe", "datasets", "evaluate", "fit", "methods", "metrics", "models", "plots", "predict",
    "profile", "show", "sweep", "tasks", "trained", "unlearn",
]  # fmt: skip

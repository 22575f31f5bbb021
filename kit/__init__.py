"""Machine unlearning in image classifiers: methods and metrics, checked against retraining.

A name is loaded when it is first used: ``import kit`` alone does not even import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from kit.runtime.version import __version__

if TYPE_CHECKING:  # what editors and type checkers read
    from kit import (
        datasets,
        experiments,
        federated,
        methods,
        metrics,
        models,
        parts,
        plots,
        runtime,
        shadows,
        tasks,
        training,
    )
    from kit.experiments import claims, results
    from kit.experiments.choose import choose
    from kit.experiments.sweep import sweep
    from kit.methods.unlearn import unlearn
    from kit.metrics import evaluate
    from kit.plots.code import show
    from kit.plots.report import report
    from kit.training import Recipe, fit, predict
    from kit.training.below import activations
    from kit.training.cache import retrained, trained
    from kit.training.profiles import profile

__all__ = [
    "Recipe", "__version__", "activations", "choose", "claims", "datasets", "evaluate",
    "experiments", "federated", "fit", "methods", "metrics", "models", "parts", "plots", "predict",
    "profile", "report", "results", "retrained", "runtime", "shadows", "show", "sweep", "tasks",
    "trained", "training", "unlearn",
]  # fmt: skip

# Name -> the module that defines it; other public names are rooms.
_HOMES = {
    "Recipe": "kit.training",
    "activations": "kit.training.below",
    "choose": "kit.experiments.choose",
    "claims": "kit.experiments",
    "evaluate": "kit.metrics",
    "fit": "kit.training",
    "predict": "kit.training",
    "profile": "kit.training.profiles",
    "report": "kit.plots.report",
    "results": "kit.experiments",
    "retrained": "kit.training.cache",
    "show": "kit.plots.code",
    "sweep": "kit.experiments.sweep",
    "trained": "kit.training.cache",
    "unlearn": "kit.methods.unlearn",
}


def __getattr__(name: str):
    if name not in __all__:
        raise AttributeError(f"module 'kit' has no attribute {name!r}")
    if name not in _HOMES:
        return import_module(f"kit.{name}")
    home = import_module(_HOMES[name])
    value = getattr(home, name, None) or import_module(f"{_HOMES[name]}.{name}")
    globals()[name] = value  # asked once
    return value


def __dir__() -> list[str]:
    return sorted(globals() | dict.fromkeys(__all__))

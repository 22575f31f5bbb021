"""``unlearn``: run one method on a copy of a model, with only the data it declared."""

import copy
from dataclasses import dataclass, field

import torch
from torch import nn

from kit.methods.access import TaskView
from kit.methods.registry import Method, get, names
from kit.models.base import check_classifier
from kit.parts.freezing import trainable
from kit.runtime.cost import measure
from kit.runtime.device import seeded
from kit.tasks import ForgetTask
from kit.training import check_model
from kit.training.augment import Augment, refuse_maps


@dataclass
class Unlearned:
    """The outcome of ``unlearn``.

    Attributes
    ----------
    model
        the new model, in eval mode.
    seconds
        everything the method did after the request.
    passes
        samples times passes by kind, e.g. ``{"retain_forward": 9000, ...}``.
    peak_memory
        bytes on the GPU; 0 on a CPU.
    history
        curves that the method recorded.
    config
        the settings it ran with.
    filter
        what the method wants images to pass before the network, ``filter(x)`` on network
        inputs; None for most.
    """

    method: str
    model: nn.Module
    config: object
    seed: int
    seconds: float = 0.0
    passes: dict[str, int] = field(default_factory=dict)
    peak_memory: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    filter: nn.Module | None = None


def unlearn(
    name: str,
    model: nn.Module,
    task: ForgetTask,
    *,
    seed: int = 0,
    config: object = None,
    **options,
) -> Unlearned:
    """Make ``model`` forget what ``task`` asks for; ``model`` itself stays as it is.

    Parameters
    ----------
    name
        one of ``kit.methods.names()``.
    seed
        same seed, same machine: same weights.
    config
        the method's settings; or give single ones as ``options``.

    Raises
    ------
    ValueError
        an unknown method or setting, a task of another level, a model that does not fit
        the data, or is not of the kind that the method works on, augmentation of activations.
    DataAccessError
        the method touched data that it had not declared.
    FloatingPointError
        the method produced infinite or NaN weights.
    """
    method = get(name)
    if config is not None and options:
        raise ValueError("give either config= or single settings, not both")
    config = config if config is not None else method.configure(**options)
    if not isinstance(config, method.config):
        raise ValueError(f"{name} takes a {method.config.__qualname__} of its own file")
    if task.level not in method.level:
        raise ValueError(
            f"{name} serves {' and '.join(method.level)} forgetting, this task is of level "
            f"{task.level!r}; methods for it: {', '.join(names(task.level))}"
        )
    _check_network(method, model, task)
    for settings in (config, vars(config).get("recipe")):
        refuse_maps(task.data, getattr(settings, "augment", Augment()))
    view = TaskView(task, method.access(config), seed)
    student = copy.deepcopy(model)
    with measure() as meter, seeded(seed):
        history = method.run(student, view, config, seed)
    _give_back(student, model)
    if infinite(student) - infinite(model):
        raise FloatingPointError(
            f"{name} produced infinite or NaN weights; lower its learning rate"
        )
    image_filter = history.pop("filter", None)
    return Unlearned(
        name, student, config, seed, meter.seconds, dict(meter.passes), meter.peak_memory, history,
        image_filter,
    )  # fmt: skip


def _check_network(method: Method, model: nn.Module, task: ForgetTask) -> None:
    """Refuse a network that the method cannot work on, before it does."""
    check_model(model, task.retain)
    if not isinstance(model, method.takes):
        raise ValueError(
            f"{method.name} works on a {method.takes.__qualname__}, not on a "
            f"{type(model).__name__}: {method.takes.__module__} says how to make one"
        )
    if method.takes is not nn.Module:
        return
    check_classifier(model)
    if not trainable(model):
        raise ValueError(
            f"{method.name} has nothing to change: all parameters are frozen (requires_grad=False)"
        )


def _give_back(student: nn.Module, model: nn.Module) -> None:
    """In eval mode; frozen, and lying in memory, as the model that was handed in."""
    student.eval()
    before = dict(model.named_parameters())
    for name, parameter in student.named_parameters():
        if name not in before:
            continue
        parameter.requires_grad_(before[name].requires_grad)
        if before[name].is_contiguous():
            parameter.data = parameter.data.contiguous()


def infinite(model: nn.Module) -> set[str]:
    """Names of the tensors that hold infinite or NaN values; a mask of -inf is one by right."""
    return {name for name, t in model.state_dict().items() if not torch.isfinite(t).all()}

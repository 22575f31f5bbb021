"""ReLU, or leaky ReLU for linearisation: its derivative is nowhere zero."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from kit.models.modes import evaluating
from kit.runtime.checks import one_of

LEAKY_SLOPE = 0.01


def set_activations(model: nn.Module, activation: str) -> None:
    """Choose the one or the other, never in place: torch.func cannot differentiate through that.

    Leaky ReLU also takes the place of ReLU6, without its upper bound.

    Raises
    ------
    ValueError
        an activation that is neither "relu" nor "leaky_relu", a network without a module of ReLU
        that could be replaced.
    """
    one_of("activation", activation, ("relu", "leaky_relu"))
    replaced = 0
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, (nn.ReLU, nn.ReLU6)) and activation == "leaky_relu":
                setattr(parent, name, nn.LeakyReLU(LEAKY_SLOPE))
                replaced += 1
            elif isinstance(child, (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU)):
                child.inplace = False
    if activation == "leaky_relu" and not replaced:
        raise ValueError(
            'activation="leaky_relu" replaces modules nn.ReLU and nn.ReLU6, this network has none: '
            'leave activation="relu"'
        )


@torch.no_grad()
def calls_relu(model: nn.Module, x: Tensor) -> bool:
    """Whether a network in eval mode uses ReLU on its way from ``x``, as a module or a function."""
    watch = _Watch()
    with evaluating(model), watch:
        model(x)
    return watch.found


class _Watch(TorchFunctionMode):
    """Looks at every function of torch that is called."""

    RELU = (F.relu, F.relu6, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)

    def __init__(self):
        super().__init__()
        self.found = False

    def __torch_function__(
        self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        self.found |= func in self.RELU
        return func(*args, **(kwargs or {}))

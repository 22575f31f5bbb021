"""ReLU, or leaky ReLU for linearisation: its derivative is nowhere zero."""

from torch import nn

from kit.runtime.checks import one_of

LEAKY_SLOPE = 0.01


def set_activations(model: nn.Module, activation: str) -> None:
    """Choose the one or the other, never in place: torch.func cannot differentiate through that.

    Raises
    ------
    ValueError
        an activation that is neither "relu" nor "leaky_relu".
    """
    one_of("activation", activation, ("relu", "leaky_relu"))
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU) and activation == "leaky_relu":
                setattr(parent, name, nn.LeakyReLU(LEAKY_SLOPE))
            elif isinstance(child, (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU)):
                child.inplace = False

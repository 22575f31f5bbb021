"""Train some weights and keep the others, to the last bit."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Mask = dict[str, Tensor]  # name of a parameter -> which of its entries may change, bool


def hold(model: nn.Module, mask: Mask) -> Callable[[int], None]:
    """Freeze what is outside the mask; what ``fit`` calls after each step puts it back exactly.

    Momentum and Adam move an entry whose gradient is 0, so a masked gradient would not do.
    """
    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        parameter.requires_grad_(name in mask)
    before = {name: parameters[name].detach().clone() for name in mask}

    @torch.no_grad()
    def put_back(step: int) -> None:
        for name, allowed in mask.items():
            parameters[name].copy_(torch.where(allowed, parameters[name], before[name]))

    return put_back

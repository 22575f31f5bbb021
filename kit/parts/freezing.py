"""Masks of weights: which are the highest, set them to 0, or train them alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Mask = dict[str, Tensor]  # name of a parameter -> which of its entries may change, bool


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that a method may change, by name: those that their owner has not frozen."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Inside the ``with`` nothing can be trained, afterwards again what could before."""
    parameters = list(trainable(model).values())
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def highest(scores: Tensor, count: int) -> Tensor:
    """The ``count`` highest entries; of equal ones the first. Bool of the same shape."""
    chosen = torch.zeros(scores.numel(), dtype=torch.bool, device=scores.device)
    chosen[scores.flatten().argsort(descending=True, stable=True)[:count]] = True
    return chosen.view(scores.shape)


@torch.no_grad()
def zero(model: nn.Module, mask: Mask) -> None:
    """Set the entries of the mask to 0."""
    for name, parameter in model.named_parameters():
        if name in mask:
            parameter[mask[name]] = 0


def shuffled(mask: Mask, seed: int) -> Mask:
    """As many entries of each parameter, drawn at random."""
    draw = torch.Generator().manual_seed(seed)
    return {
        name: m.flatten()[torch.randperm(m.numel(), generator=draw).to(m.device)].view(m.shape)
        for name, m in mask.items()
    }


def share_of(model: nn.Module, mask: Mask) -> float:
    """Entries in the mask over all parameters of the network."""
    return sum(int(m.sum()) for m in mask.values()) / sum(p.numel() for p in model.parameters())


def hold(model: nn.Module, mask: Mask) -> Callable[[int], None]:
    """Freeze what is outside the mask; what ``fit`` calls after each step puts it back exactly.

    The mask holds entries of trainable parameters alone.

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

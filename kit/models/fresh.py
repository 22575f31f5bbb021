"""The same architecture with weights that have learned nothing."""

import torch
from torch import nn


def fresh(model: nn.Module, seed: int) -> nn.Module:
    """A network like ``model`` with weights drawn from ``seed``.

    Raises
    ------
    ValueError
        nothing says how to make one, or what does gives the same weights for every seed: they may
        be trained ones, and then hold what is to be forgotten.
    """
    if not hasattr(model, "rebuild"):
        raise ValueError(
            "a network like this one with fresh weights is needed: make it with kit.models.build "
            "or kit.models.wrap, or give it a method rebuild(seed) that returns a new one"
        )
    new, other = model.rebuild(seed), model.rebuild(seed + 1)
    if all(torch.equal(p, q) for p, q in zip(new.parameters(), other.parameters(), strict=True)):
        raise ValueError(
            "a network with fresh weights is needed, but this one is made with the same weights "
            "each time: let make() draw them, and give yours as kit.models.wrap(make, task, state=)"
        )
    return new

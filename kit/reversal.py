"""Gradient reversal (Ganin and Lempitsky, ICML 2015): the identity, whose gradient changes sign."""

import torch
from torch import Tensor


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


def reverse_gradient(x: Tensor, strength: float = 1.0) -> Tensor:
    """``x`` itself; gradients that come back through it are multiplied by ``-strength``."""
    return _Reverse.apply(x, strength)

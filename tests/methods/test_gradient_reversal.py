"""Gradient reversal by hand."""

import torch

from kit.methods.gradient_reversal import reverse_gradient


def test_gradient_reversal_is_minus_lambda_times_the_gradient():
    x = torch.randn(5, 3, requires_grad=True)
    (reverse_gradient(x, 2.5) ** 3).sum().backward()
    torch.testing.assert_close(x.grad, -2.5 * 3 * x.detach() ** 2, atol=1e-6, rtol=1e-6)

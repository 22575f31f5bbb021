"""Importance of weights: the squared gradients of single images."""

import torch
import torch.nn.functional as F
from torch import nn

from kit.parts.importance import squared_gradients


def test_importance_does_not_depend_on_order(original, task):
    found = squared_gradients(original, task.forget)
    again = squared_gradients(original, task.forget.take(torch.randperm(len(task.forget))))
    for name, value in found.items():
        torch.testing.assert_close(value, again[name], rtol=1e-4, atol=1e-8)


def test_importance_of_one_image_is_its_squared_gradient(original, task):
    image = task.forget.take(torch.tensor([4]))
    loss = F.cross_entropy(original.eval()(image.inputs()), image.y)
    gradients = torch.autograd.grad(loss, list(original.parameters()))
    for value, gradient in zip(squared_gradients(original, image).values(), gradients, strict=True):
        torch.testing.assert_close(value, gradient.square(), rtol=1e-4, atol=1e-8)


def test_fisher_of_logistic_regression_in_closed_form(task):
    """E[(diag(p) - p p')_cc x_j^2], the diagonal of the Fisher information of a linear layer."""
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(144, 4))
    x = task.retain.inputs().flatten(1)
    p = linear(task.retain.inputs()).softmax(1)
    expected = torch.einsum("nc,nj->cj", p * (1 - p), x.square()) / len(x)
    found = squared_gradients(linear, task.retain, labels="model")
    torch.testing.assert_close(found["1.weight"], expected, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(found["1.bias"], (p * (1 - p)).mean(0), rtol=1e-4, atol=1e-7)

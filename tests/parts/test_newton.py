"""Newton steps: the solver against dense algebra, the Hessian against autograd, removal against
retraining."""

import pytest
import torch
from torch import nn

import kit
from kit.parts.newton import (
    Entropy,
    conjugate_gradients,
    flatten,
    largest_eigenvalue,
    newton_removal,
    unflatten,
)


def test_solver_against_a_dense_one():
    draw = torch.Generator().manual_seed(0)
    root = torch.randn(30, 30, generator=draw, dtype=torch.float64)
    a, b = root @ root.T + torch.eye(30, dtype=torch.float64), torch.ones(30, dtype=torch.float64)
    exact = torch.linalg.solve(a, b)
    plain = conjugate_gradients(lambda v: a @ v, b, tolerance=1e-10)
    aided = conjugate_gradients(
        lambda v: a @ v, b, tolerance=1e-10, precondition=lambda r: torch.linalg.solve(a, r)
    )
    assert torch.allclose(plain.x, exact, atol=1e-7) and torch.allclose(aided.x, exact, atol=1e-7)
    assert len(aided.residuals) <= 2 < len(plain.residuals)
    assert plain.residuals[-1] <= 1e-10
    again = conjugate_gradients(lambda v: a @ v, b, start=exact, tolerance=1e-8)
    assert not again.residuals
    assert largest_eigenvalue(lambda v: a.float() @ v, 30, steps=200) == pytest.approx(
        float(torch.linalg.eigvalsh(a)[-1]), rel=1e-3
    )
    with pytest.raises(ValueError, match="not positive definite"):
        conjugate_gradients(lambda v: -a @ v, b)


class Softmax(nn.Module):
    """Logistic regression on pixels: convex, so that a Newton step is nearly all there is."""

    def __init__(self, pixels: int, classes: int):
        super().__init__()
        self.head = nn.Linear(pixels, classes, dtype=torch.float64)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(x.flatten(1))


def fitted(split):
    """At the minimum: Newton steps until nothing moves."""
    model = Softmax(144, 4)
    for _ in range(8):
        newton_removal(model, split, penalty=0.01, tolerance=1e-10, max_steps=500)
    assert Entropy(model, split, penalty=0.01).gradient().norm() <= 1e-8
    return model


def test_hessian_against_autograd(task):
    split = task.retain.per_class(4, 0)
    model = Softmax(144, 4)
    nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(0))
    loss = Entropy(model, split, penalty=0.1, damping=0.3)
    x, y = split.inputs().double(), split.y

    def by_hand(w):
        p = unflatten(w, loss.weights)
        logits = torch.nn.functional.linear(x.flatten(1), p["head.weight"], p["head.bias"])
        return torch.nn.functional.cross_entropy(logits, y) + 0.05 * w @ w

    w = loss.flat()
    dense = torch.autograd.functional.hessian(by_hand, w)
    assert torch.allclose(torch.func.grad(by_hand)(w), loss.gradient(), atol=1e-10)
    v = torch.randn(len(w), generator=torch.Generator().manual_seed(1), dtype=w.dtype)
    assert torch.allclose(dense @ v + 0.3 * v, loss.hessian(v), atol=1e-8)


def test_one_step_takes_samples_out(data):
    task = kit.tasks.forget_samples(data, range(0, 60, 3))
    model, retrained = fitted(task.train), fitted(task.retain)

    def distance():
        ours, theirs = (flatten(dict(m.named_parameters())) for m in (model, retrained))
        return (ours - theirs).norm().item()

    before = distance()
    newton_removal(model, task.retain, penalty=0.01, tolerance=1e-8, max_steps=500)
    assert distance() < 0.1 * before


def test_damping_is_needed_away_from_a_minimum(task):
    model = kit.models.build("resnet8", task, width=4)
    with pytest.raises(ValueError, match="not positive definite"):
        newton_removal(model, task.retain.per_class(4, 0), penalty=0.0, max_steps=50)
    before = flatten(dict(model.named_parameters())).detach().clone()
    newton_removal(model, task.retain.per_class(4, 0), penalty=0.0, damping=100.0, max_steps=50)
    moved = (flatten(dict(model.named_parameters())) - before).norm()
    assert 0 < moved < 1

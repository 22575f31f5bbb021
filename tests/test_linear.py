"""Linearised networks: derivatives, the quadratic, and the solver, against exact answers."""

import copy

import pytest
import torch

import kit
from kit.linear import LeastSquares, Linearised, conjugate_gradients, largest_eigenvalue


@pytest.fixture(scope="module")
def core(task):
    model = kit.models.build("resnet8", task, width=4, activation="leaky_relu")
    kit.fit(model, task.train, kit.Recipe(epochs=2, batch_size=32, lr=0.1, bf16=False))
    return model.double()


@pytest.fixture(scope="module")
def linear(core):
    return Linearised(copy.deepcopy(core))


@pytest.fixture(scope="module")
def x(task):
    return task.test.take(torch.arange(0, 80, 8)).inputs().double()


@pytest.fixture(scope="module")
def quadratic(linear, task):
    return LeastSquares(linear, task.retain.per_class(8, 0), scale=5.0, penalty=1e-2)


def vector(model, seed):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(model.size, generator=draw, dtype=torch.float64)


def test_product_is_the_derivative(core, linear, x):
    """Central differences in float64; LeakyReLU has kinks, so the step is tiny."""
    u, eps = vector(linear, 0), 1e-6

    def moved(sign):
        model = copy.deepcopy(core)
        state = {n: p + sign * eps * d for (n, p), d in zip(
            model.named_parameters(), linear.unflatten(u).values(), strict=True)}  # fmt: skip
        return torch.func.functional_call(model, state, (x,))

    numeric = (moved(1) - moved(-1)) / (2 * eps)
    _, exact = linear.jvp(x, u)
    assert (numeric - exact).norm() / exact.norm() <= 1e-5


def test_products_are_adjoint(linear, x):
    u, e = vector(linear, 0), torch.randn(10, 4, dtype=torch.float64)
    forward = (linear.jvp(x, u)[1] * e).sum()
    assert torch.allclose(forward, u @ linear.vjp(x, e), rtol=1e-6)


def test_linear_in_its_weights(linear, x):
    a, b = vector(linear, 1), vector(linear, 2)
    f0 = linear(x, linear.zeros())
    mixed = linear(x, 2 * a - 3 * b) - f0
    assert torch.allclose(mixed, 2 * (linear(x, a) - f0) - 3 * (linear(x, b) - f0), rtol=1e-4)


def test_zero_is_the_core(core, linear, x):
    assert (linear(x, linear.zeros()) - core(x)).abs().max() <= 1e-6


def test_layers_can_be_chosen(core, x):
    last = Linearised(copy.deepcopy(core), ["head"])
    assert set(last.weights) == {"head.weight", "head.bias"}
    u = vector(last, 0)
    by_hand = torch.nn.functional.linear(core.features(x), *last.unflatten(u).values())
    assert torch.allclose(last.jvp(x, u)[1], by_hand)
    assert torch.equal(last.flatten(last.unflatten(u)), u)
    with pytest.raises(ValueError, match="no parameter starts with tail"):
        Linearised(copy.deepcopy(core), ["tail"])


def test_quadratic_against_its_matrices(core, task):
    """For the last layer the Jacobian is small enough to write down."""
    model = Linearised(copy.deepcopy(core), ["head"])
    split = task.retain.per_class(5, 0)
    quadratic = LeastSquares(model, split, scale=5.0, penalty=0.1)
    h = core.features(split.inputs().double())
    h = torch.cat([h, torch.ones(len(h), 1, dtype=h.dtype)], 1)
    gram = torch.kron(torch.eye(4, dtype=h.dtype), h.T @ h / len(h))  # [4 (w+1), 4 (w+1)]
    width = h.shape[1]
    u = vector(model, 0)
    weight, bias = model.unflatten(u).values()
    stacked = torch.cat([weight, bias[:, None]], 1).reshape(-1)
    parts = (gram @ stacked + 0.1 * stacked).view(4, width)
    expected = torch.cat([parts[:, :-1].reshape(-1), parts[:, -1]])
    assert torch.allclose(quadratic.hessian(u), expected, rtol=1e-8)
    step = 1e-6 * vector(model, 1)
    slope = (quadratic.loss(u + step) - quadratic.loss(u - step)) / 2
    assert slope == pytest.approx(float(quadratic.gradient(u) @ step), rel=1e-5)


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


def test_newton_step_is_retraining(linear, quadratic):
    """From any start, converged or not."""

    def solve(b):
        return conjugate_gradients(quadratic.hessian, b, tolerance=1e-8).x

    retrained = solve(-quadratic.gradient(linear.zeros()))
    start = 0.1 * vector(linear, 3)
    scrubbed = start - solve(quadratic.gradient(start))
    assert (scrubbed - retrained).norm() / retrained.norm() <= 1e-3
    assert quadratic.gradient(retrained).norm() <= 1e-6 * quadratic.gradient(start).norm()


def test_passes_are_counted(quadratic, linear):
    with kit.cost.measure() as meter:
        quadratic.hessian(linear.zeros())
    assert meter.passes == {"retain_forward": 48, "retain_backward": 24}


def test_refuses(linear, task):
    with pytest.raises(ValueError, match="at least one image"):
        LeastSquares(
            linear, task.retain.take(torch.tensor([], dtype=torch.long)), scale=1, penalty=1
        )
    with pytest.raises(ValueError, match="penalty must be positive"):
        LeastSquares(linear, task.retain, scale=1, penalty=0.0)

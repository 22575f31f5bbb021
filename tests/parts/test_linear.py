"""Linearised networks: derivatives, the quadratic, and the solver, against exact answers."""

import copy

import pytest
import torch

import kit
from kit.parts.linear import LeastSquares, Linearised, descend
from kit.parts.newton import conjugate_gradients, flatten, unflatten


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
        steps = unflatten(sign * eps * u, linear.weights)
        state = {name: p + steps[name] for name, p in model.named_parameters()}
        return torch.func.functional_call(model, state, (x,))

    numeric = (moved(1) - moved(-1)) / (2 * eps)
    _, exact = linear.jvp((x,), u)
    assert (numeric - exact).norm() / exact.norm() <= 1e-5


def test_products_are_adjoint(linear, x):
    u, e = vector(linear, 0), torch.randn(10, 4, dtype=torch.float64)
    forward = (linear.jvp((x,), u)[1] * e).sum()
    assert torch.allclose(forward, u @ linear.vjp((x,), e), rtol=1e-6)


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
    by_hand = torch.nn.functional.linear(core.features(x), *unflatten(u, last.weights).values())
    (kept,) = last.below(x)
    assert torch.allclose(kept, core.features(x))  # all that the head reads
    assert torch.allclose(last.jvp((kept,), u)[1], by_hand)
    assert torch.equal(flatten(unflatten(u, last.weights)), u)
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
    weight, bias = unflatten(u, model.weights).values()
    stacked = torch.cat([weight, bias[:, None]], 1).reshape(-1)
    parts = (gram @ stacked + 0.1 * stacked).view(4, width)
    expected = torch.cat([parts[:, :-1].reshape(-1), parts[:, -1]])
    assert torch.allclose(quadratic.hessian(u), expected, rtol=1e-8)
    step = 1e-6 * vector(model, 1)
    slope = (quadratic.loss(u + step) - quadratic.loss(u - step)) / 2
    assert slope == pytest.approx(float(quadratic.gradient(u) @ step), rel=1e-5)


def test_kept_activations_change_nothing(core, linear, x):
    """The same derivative, whether the part below the chosen layers runs again or not."""
    some = Linearised(copy.deepcopy(core), ["stage2", "head"])
    u = vector(some, 0)
    padded = {name: torch.zeros_like(p) for name, p in linear.weights.items()}
    padded |= unflatten(u, some.weights)
    inputs = some.below(x)
    assert inputs[0].shape[1:] != x.shape[1:]
    ours, theirs = some.jvp(inputs, u), linear.jvp((x,), flatten(padded))
    assert all(torch.allclose(a, b) for a, b in zip(ours, theirs, strict=True))
    e = torch.randn(10, 4, dtype=torch.float64)
    both = unflatten(linear.vjp((x,), e), linear.weights)
    assert torch.allclose(some.vjp(inputs, e), torch.cat([both[n].flatten() for n in some.names]))


def test_a_network_that_cannot_be_followed_stays_whole(core, x):
    class Wilful(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = copy.deepcopy(core)

        def forward(self, x):
            return self.net(x) if x.sum() > 1e9 else self.net(x)

    some = Linearised(Wilful(), ["net.head"])
    assert some.below(x)[0] is x
    u = vector(some, 0)
    head = Linearised(copy.deepcopy(core), ["head"])
    assert torch.allclose(some(x, u), head(x, u))


def test_several_tangents_in_one_pass(linear, x):
    vectors = torch.stack([vector(linear, seed) for seed in range(3)])
    together = linear.jvps((x,), vectors)
    assert all(torch.allclose(together[k], linear.jvp((x,), v)[1]) for k, v in enumerate(vectors))


def test_diagonal_is_that_of_the_hessian(core, task):
    model = Linearised(copy.deepcopy(core), ["head"])
    quadratic = LeastSquares(model, task.retain.per_class(5, 0), scale=5.0, penalty=0.1)
    units = torch.eye(model.size, dtype=torch.float64)
    exact = torch.stack([quadratic.hessian(e)[k] for k, e in enumerate(units)])
    estimate = quadratic.diagonal(draws=2000)
    assert (estimate >= 0.1).all()
    assert torch.allclose(estimate, exact, rtol=0.2)


@pytest.mark.slow
def test_descent_reaches_the_minimum(quadratic, linear):
    exact = conjugate_gradients(
        quadratic.hessian, -quadratic.gradient(linear.zeros()), tolerance=1e-8
    ).x
    far = [
        (descend(quadratic.gradient, linear.zeros(), len(quadratic), epochs=epochs, lr=1e-3,
                 batch_size=24) - exact).norm()
        for epochs in (1, 10, 40)
    ]  # fmt: skip
    assert exact.norm() > far[0] > far[1] > far[2]


@pytest.mark.slow
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
    n = len(quadratic)
    with kit.runtime.cost.measure() as meter:
        quadratic.hessian(linear.zeros())
    assert meter.passes == {"retain_forward": 2 * n, "retain_backward": n}


def test_refuses(linear, task):
    with pytest.raises(ValueError, match="at least one image"):
        LeastSquares(
            linear, task.retain.take(torch.tensor([], dtype=torch.long)), scale=1, penalty=1
        )
    with pytest.raises(ValueError, match="penalty must be positive"):
        LeastSquares(linear, task.retain, scale=1, penalty=0.0)

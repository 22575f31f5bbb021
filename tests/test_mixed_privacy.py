"""Mixed-privacy forgetting: the Newton step, its solvers, its noise, against retraining."""

import copy

import pytest
import torch

import kit
from kit.methods.mixed_privacy import MixedLinear


@pytest.fixture(scope="module")
def core(data):
    """Trained on half of the images, which need never be forgotten."""
    task = kit.tasks.forget_classes(data, [1], within=range(0, 240, 2))
    model = kit.models.build("resnet8", data, width=4, activation="leaky_relu")
    kit.fit(model, task.train, kit.Recipe(epochs=3, batch_size=32, lr=0.1, bf16=False))
    return model


@pytest.fixture(scope="module")
def samples(data):
    return kit.tasks.forget_samples(data, range(1, 40, 2), within=range(1, 240, 2))


def mixed(core, **options):
    return MixedLinear(copy.deepcopy(core), **{"penalty": 1e-2, **options})


@pytest.fixture(scope="module")
def trained(core, samples):
    model = mixed(core)
    model.learn(samples.train, tolerance=1e-7, max_steps=500)
    return model


@pytest.fixture(scope="module")
def retrained(core, samples):
    model = mixed(core)
    model.learn(samples.retain, tolerance=1e-7, max_steps=500)
    return model


def distance(one, other):
    one, other = one.user.detach(), other.user.detach()
    return float((one - other).norm() / other.norm())


def test_zeroing_gives_the_core(core, trained, data):
    model = copy.deepcopy(trained)
    model.zero()
    x = kit.tasks.forget_classes(data, [0]).test.inputs()
    assert torch.allclose(model(x), core(x), atol=1e-6)
    assert not torch.allclose(trained(x), core(x), atol=1e-2)


def test_newton_step_is_retraining_from_any_start(core, trained, retrained, samples):
    for start in (trained, mixed(core)):
        out = kit.unlearn("mixed_privacy", start, samples, solver="cg", epochs=500)
        assert distance(out.model, retrained) <= 1e-3
    assert distance(trained, retrained) > 1e-2


def test_solvers_come_nearer_with_time(trained, retrained, samples):
    def left(solver, epochs):
        out = kit.unlearn("mixed_privacy", trained, samples, solver=solver, epochs=epochs)
        return distance(out.model, retrained)

    for solver in ("complete", "stochastic", "cg"):
        far = [left(solver, epochs) for epochs in (1, 3, 9)]
        assert far[0] > far[1] > far[2], (solver, far)


def test_noise_has_the_standard_deviation_asked_for(trained, samples):
    still = kit.unlearn("mixed_privacy", trained, samples, solver="cg")
    noisy = kit.unlearn("mixed_privacy", trained, samples, solver="cg", sigma=0.1)
    noise = noisy.model.user - still.model.user
    assert float(noise.std()) == pytest.approx(0.1, rel=0.05)


def test_takes_its_own_networks_only(original, samples):
    with pytest.raises(ValueError, match="mixed_privacy works on a MixedLinear, not on a ResNet"):
        kit.unlearn("mixed_privacy", original, samples)

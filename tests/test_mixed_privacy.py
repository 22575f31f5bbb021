"""Mixed-privacy forgetting: the Newton step, its solvers, its noise, against retraining."""

import copy
from dataclasses import replace

import pytest
import torch

import kit
from kit.experiments.mixed import Setting, trial
from kit.methods.mixed_privacy import Config
from kit.metrics.inside import information
from kit.metrics.inside.readouts import readouts, relearn_time
from kit.parts.mixed_linear import MixedLinear
from tests.conftest import TOY_RECIPE

REQUESTS = [range(1, 41, 2), range(41, 81, 2), range(81, 121, 2)]  # rows of the user's data


@pytest.fixture(scope="module")
def core(data):
    """Trained on half of the images, which need never be forgotten."""
    task = kit.tasks.forget_classes(data, [1], within=range(0, 240, 2))
    model = kit.models.build("resnet8", data, width=4, activation="leaky_relu")
    kit.fit(model, task.train, kit.Recipe(epochs=3, batch_size=32, lr=0.1, bf16=False))
    return model


@pytest.fixture(scope="module")
def samples(data):
    return kit.tasks.forget_samples(data, REQUESTS[0], within=range(1, 240, 2))


def mixed(core, **options):
    return MixedLinear(copy.deepcopy(core), **{"penalty": 1e-2, **options})


def learnt(core, split):
    model = mixed(core)
    model.learn(split, tolerance=1e-7, max_steps=500)
    return model


@pytest.fixture(scope="module")
def trained(core, samples):
    return learnt(core, samples.train)


@pytest.fixture(scope="module")
def retrained(core, samples):
    return learnt(core, samples.retain)


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
        said = [kit.predict(m, samples.test) for m in (out.model, retrained)]
        assert kit.metrics.agreement(*said) >= 0.999
    assert distance(trained, retrained) > 1e-2


def test_solvers_come_nearer_with_time(trained, retrained, samples):
    def left(solver, epochs):
        out = kit.unlearn("mixed_privacy", trained, samples, solver=solver, epochs=epochs)
        return distance(out.model, retrained)

    for solver in ("complete", "stochastic", "cg"):
        far = [left(solver, epochs) for epochs in (1, 3, 6)]
        assert far[0] > far[1] > far[2], (solver, far)


def test_requests_in_a_row_are_the_removal_of_their_union(core, trained, data):
    """With noise after each: what it disturbs, the next step repairs."""
    model, gone = trained, []
    for k, rows in enumerate(REQUESTS):
        left = sorted(set(range(1, 240, 2)) - set(gone))
        task = kit.tasks.forget_samples(data, rows, within=left)
        last = rows is REQUESTS[-1]
        out = kit.unlearn("mixed_privacy", model, task, seed=k, solver="cg", epochs=500,
                          sigma=0.0 if last else 0.05)  # fmt: skip
        model, gone = out.model, gone + list(rows)
    union = kit.tasks.forget_samples(data, gone, within=range(1, 240, 2))
    assert distance(model, learnt(core, union.retain)) <= 1e-3


def test_a_request_costs_four_passes_over_the_data(trained, samples):
    out = kit.unlearn("mixed_privacy", trained, samples, lr=1e-3)
    images = len(samples.retain)
    assert set(out.passes) == {"retain_forward", "retain_backward"}
    assert out.passes["retain_backward"] == 4 * images  # three epochs and the gradient


def test_learning_slowly_comes_near(core, trained, samples):
    model = mixed(core)
    model.learn_slowly(samples.train, epochs=60)
    assert distance(model, trained) < 0.5
    assert model.loss(samples.train).loss(model.user.detach()) < 1.05 * trained.loss(
        samples.train
    ).loss(trained.user.detach())


def test_noise_has_the_standard_deviation_asked_for(trained, samples):
    still = kit.unlearn("mixed_privacy", trained, samples, solver="cg")
    noisy = kit.unlearn("mixed_privacy", trained, samples, solver="cg", sigma=0.1)
    noise = (noisy.model.user - still.model.user).detach()
    assert noise.std().item() == pytest.approx(0.1, rel=0.05)
    alone = kit.unlearn("mixed_privacy", trained, samples, solver="none", sigma=0.1).model.user
    assert torch.allclose(alone - trained.user, noise, atol=1e-5)


def test_works_on_its_own_networks_only(original, trained, samples):
    with pytest.raises(ValueError, match="mixed_privacy works on a MixedLinear, not on a ResNet"):
        kit.unlearn("mixed_privacy", original, samples)
    for wrong in ({"solver": "newton"}, {"epochs": 0}, {"sigma": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            kit.unlearn("mixed_privacy", trained, samples, **wrong)
    with pytest.raises(ValueError, match="scale must be positive"):
        mixed(copy.deepcopy(trained.core), scale=0.0)


# --- what the noise hides


def test_certificate_is_above_the_oracle(trained, retrained, samples):
    """And both follow 1 / sigma^2."""
    out = kit.unlearn("mixed_privacy", trained, samples).model.user.detach()
    loss = trained.loss(samples.retain)
    pairs = [
        (information.oracle_nats(u, retrained.user.detach(), sigma),
         information.certified_nats(loss, u, sigma))
        for u in (trained.user.detach(), out) for sigma in (0.01, 0.1)
    ]  # fmt: skip
    assert all(0 < oracle <= certificate for oracle, certificate in pairs)
    for one, other in (pairs[:2], pairs[2:]):
        assert one[0] == pytest.approx(100 * other[0]) and one[1] == pytest.approx(100 * other[1])
    with pytest.raises(ValueError, match="sigma must be positive"):
        information.certified_nats(loss, out, 0.0)


def test_theorem_against_its_recursion():
    """Simulated requests never exceed the formula; its plateau is the earlier noise."""
    c = information.Constants(contraction=0.3, movement=5.0, floor=0.01, size=50)
    for sigma in (1e-3, 1e-1, 10.0):
        squared = 0.0
        for _ in range(20):
            a = 0.5  # the worst that Young's inequality allows, at one of its parameters
            squared = (
                c.contraction
                * ((1 + a) * squared + (1 + 1 / a) * (c.movement * 0.01) ** 2 + c.size * sigma**2)
                + c.floor
            )
        at_half = (c.contraction * ((1 + 1 / a) * 0.05**2 + c.size * sigma**2) + c.floor) / (
            1 - 1.5 * c.contraction
        )
        assert squared <= at_half * (1 + 1e-9)
        assert information.theorem_nats(c, 0.01, sigma) <= at_half / (2 * sigma**2) * (1 + 1e-9)
    plateau = [information.theorem_nats(c, 0.01, sigma) for sigma in (1e3, 1e4)]
    assert plateau[0] == pytest.approx(plateau[1], rel=1e-3)
    with pytest.raises(ValueError, match="contraction"):
        information.theorem_nats(replace(c, contraction=1.0), 0.01, 0.1)


def test_one_pass_serves_every_noise(trained, samples):
    logits, added = information.noise_response(trained, samples.test, draws=2)
    noisy = copy.deepcopy(trained)
    noisy.blur(0.3, seed=1)
    assert torch.allclose(logits + 0.3 * added[1], kit.predict(noisy, samples.test), atol=1e-3)
    accuracies = information.accuracy_under_noise(trained, samples.test, [1e-6, 1e3])
    assert accuracies[0] == kit.metrics.accuracy(logits, samples.test.y)
    assert accuracies[1] < accuracies[0] - 0.2
    sigma = information.largest_sigma(trained, samples.test, loss=0.05)
    kept, lost = information.accuracy_under_noise(trained, samples.test, [sigma, 10 * sigma])
    assert kept >= accuracies[0] - 0.051 > lost
    with pytest.raises(ValueError, match="already costs more"):
        information.largest_sigma(trained, samples.test, loss=-0.5)


# --- read-outs, and the experiment


def test_readouts_of_the_reference_are_at_home(trained, retrained, samples):
    readout_parts = ("retain", "forget", "test")
    own = readouts(retrained, retrained, samples)
    other = readouts(trained, retrained, samples)
    assert own["forget_distance"] == 0 < other["forget_distance"]
    parts = [f"{part}_{what}" for part in readout_parts for what in ("error", "distance")]
    assert set(own) == {*parts, "entropy_member_rate"}


def test_relearning_takes_the_retrained_model_longer(trained, retrained, samples):
    loss = trained.loss(samples.forget)
    known, unknown = (loss.misfit(m.user.detach()) for m in (trained, retrained))
    goal = (known + unknown) / 2
    assert known < unknown
    assert relearn_time(trained, samples, goal) == 0
    assert 0 < relearn_time(retrained, samples, goal) < float("inf")
    assert relearn_time(retrained, samples, 0.0, max_steps=1) == float("inf")


SETTING = Setting(
    core=120, user=100, requests=3, request=10, layers=("stage3", "head"), path=True, relearn=True
)


def run(data, method="mixed_privacy", config=None, setting=SETTING, classes=()):
    return trial(
        data, classes, method, config, setting, model="resnet8", recipe=TOY_RECIPE, width=4
    )


def test_trial_honours_every_request(data):
    task, out, row, curves = run(data, config=Config(solver="cg", epochs=40, sigma=0.01))
    assert task.name == "sample:30" and len(task.train) == 100
    assert row["distance"] <= 0.5 * row["moved"] and len(curves["distance"]) == 3
    assert 0 <= row["oracle_nats"] <= row["certified_nats"]
    _, _, original, _ = run(data, "original")
    _, _, retrained, _ = run(data, "retrain")
    assert retrained["forget_distance"] == 0 < original["forget_distance"]
    assert original["relearn_time"] == 0 < retrained["relearn_time"]
    assert original["largest_sigma"] > 0 and out.seconds > 0


def test_trial_of_classes_and_of_networks(data):
    task, _, row, _ = run(data, config=Config(solver="cg", epochs=300), classes=(1,))
    assert task.name == "class:1" and row["distance"] <= 0.05 * row["moved"]
    network = Setting(core=120, user=100, requests=1, request=10, train="network", epochs=2)
    _, out, row, _ = run(data, "original", setting=network)
    assert not isinstance(out.model, MixedLinear) and row["test_error"] <= 0.2
    slow = replace(SETTING, train="sgd", epochs=3, path=False)
    _, _, row, _ = run(data, "retrain", setting=slow)
    assert row["forget_distance"] > 0  # SGD stops short of the optimum


def test_trial_refuses(data):
    with pytest.raises(ValueError, match="leave nothing"):
        Setting(core=10, user=100, requests=10, request=10)
    with pytest.raises(ValueError, match='train must be "cg", "sgd" or "network"'):
        Setting(core=10, user=100, requests=1, request=10, train="adam")
    with pytest.raises(ValueError, match="more than the 240 training images"):
        run(data, "original", setting=replace(SETTING, core=200))

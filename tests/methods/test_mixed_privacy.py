"""Mixed-privacy forgetting: the Newton step, its solvers, its noise, against retraining."""

import copy

import pytest
import torch

import kit
from tests.conftest import REQUESTS, distance, learnt, mixed

pytestmark = pytest.mark.slow  # learning the user weights takes seconds


def test_newton_step_is_retraining_from_any_start(
    user_core, user_original, user_retrained, user_task
):
    for start in (user_original, mixed(user_core)):
        out = kit.unlearn("mixed_privacy", start, user_task, solver="cg", epochs=500)
        assert distance(out.model, user_retrained) <= 1e-3
        said = [kit.predict(m, user_task.test) for m in (out.model, user_retrained)]
        assert kit.metrics.agreement(*said) >= 0.999
    assert distance(user_original, user_retrained) > 1e-2


def test_solvers_come_nearer_with_time(user_original, user_retrained, user_task):
    def left(solver, epochs):
        out = kit.unlearn("mixed_privacy", user_original, user_task, solver=solver, epochs=epochs)
        return distance(out.model, user_retrained)

    for solver in ("complete", "stochastic", "cg"):
        far = [left(solver, epochs) for epochs in (1, 3, 6)]
        assert far[0] > far[1] > far[2], (solver, far)


def test_requests_in_a_row_are_the_removal_of_their_union(user_core, user_original, data):
    """With noise after each: what it disturbs, the next step repairs."""
    model, gone = user_original, []
    for k, rows in enumerate(REQUESTS):
        left = sorted(set(range(1, 240, 2)) - set(gone))
        task = kit.tasks.forget_samples(data, rows, within=left)
        last = rows is REQUESTS[-1]
        out = kit.unlearn("mixed_privacy", model, task, seed=k, solver="cg", epochs=500,
                          sigma=0.0 if last else 0.05)  # fmt: skip
        model, gone = out.model, gone + list(rows)
    union = kit.tasks.forget_samples(data, gone, within=range(1, 240, 2))
    assert distance(model, learnt(user_core, union.retain)) <= 1e-3


def test_a_request_costs_four_passes_over_the_data(user_original, user_task):
    out = kit.unlearn("mixed_privacy", user_original, user_task, lr=1e-3)
    images = len(user_task.retain)
    assert set(out.passes) == {"retain_forward", "retain_backward"}
    assert out.passes["retain_backward"] == 4 * images  # three epochs and the gradient


@pytest.mark.parametrize("solver", ["complete", "stochastic"])
def test_a_solver_that_diverges_says_so(user_original, user_task, solver):
    """It would leave a network that knows nothing; and the check costs the method nothing."""
    rate = user_original.rate.item()
    run = {"model": user_original, "task": user_task, "solver": solver}
    fine = kit.unlearn("mixed_privacy", **run, lr=rate)
    assert fine.passes["retain_backward"] == 3 * len(user_task.retain) + len(user_task.retain)
    with pytest.raises(FloatingPointError, match=r"diverged at the rate lr=.*; lower lr, or take"):
        kit.unlearn("mixed_privacy", **run, lr=100 * rate)


def test_noise_has_the_standard_deviation_asked_for(user_original, user_task):
    still = kit.unlearn("mixed_privacy", user_original, user_task, solver="cg")
    noisy = kit.unlearn("mixed_privacy", user_original, user_task, solver="cg", sigma=0.1)
    noise = (noisy.model.user - still.model.user).detach()
    assert noise.std().item() == pytest.approx(0.1, rel=0.05)
    alone = kit.unlearn(
        "mixed_privacy", user_original, user_task, solver="none", sigma=0.1
    ).model.user
    assert torch.allclose(alone - user_original.user, noise, atol=1e-5)


def test_works_on_its_own_networks_only(original, user_original, user_task):
    with pytest.raises(ValueError, match="mixed_privacy works on a MixedLinear, not on a ResNet"):
        kit.unlearn("mixed_privacy", original, user_task)
    for wrong in ({"solver": "newton"}, {"epochs": 0}, {"sigma": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            kit.unlearn("mixed_privacy", user_original, user_task, **wrong)
    with pytest.raises(ValueError, match="scale must be positive"):
        mixed(copy.deepcopy(user_original.core), scale=0.0)

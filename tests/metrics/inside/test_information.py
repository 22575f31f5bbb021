"""What noise on user weights hides: certificate, oracle, theorem."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import kit
from kit.metrics.inside import information


def test_nats_by_hand():
    """A distance of 5 under noise of 0.5 is 50 nats, the KL divergence of the two Gaussians."""
    u, retrained = torch.tensor([3.0, 4.0]), torch.zeros(2)
    noisy = [torch.distributions.Normal(mean, 0.5) for mean in (u, retrained)]
    nats = torch.distributions.kl_divergence(*noisy).sum().item()
    assert nats == 50 == information.oracle_nats(u, retrained, 0.5)
    loss = SimpleNamespace(gradient=lambda u: 0.1 * u, penalty=0.1)  # |u|^2 / 20: as convex as said
    assert information.certified_nats(loss, u, 0.5) == pytest.approx(50)
    loss.penalty = 0.05
    assert information.certified_nats(loss, u, 0.5) == pytest.approx(200)


@pytest.mark.slow
def test_certificate_is_above_the_oracle(user_original, user_retrained, user_task):
    """And both follow 1 / sigma^2."""
    out = kit.unlearn("mixed_privacy", user_original, user_task).model.user.detach()
    loss = user_original.loss(user_task.retain)
    pairs = [
        (information.oracle_nats(u, user_retrained.user.detach(), sigma),
         information.certified_nats(loss, u, sigma))
        for u in (user_original.user.detach(), out) for sigma in (0.01, 0.1)
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


@pytest.mark.slow
def test_one_pass_serves_every_noise(user_original, user_task):
    logits, added = information.noise_response(user_original, user_task.test, draws=2)
    noisy = copy.deepcopy(user_original)
    noisy.blur(0.3, seed=1)
    assert torch.allclose(logits + 0.3 * added[1], kit.predict(noisy, user_task.test), atol=1e-3)
    accuracies = information.accuracy_under_noise(user_original, user_task.test, [1e-6, 1e3])
    assert accuracies[0] == kit.metrics.accuracy(logits, user_task.test.y)
    assert accuracies[1] < accuracies[0] - 0.2
    sigma = information.largest_sigma(user_original, user_task.test, loss=0.05)
    kept, lost = information.accuracy_under_noise(
        user_original, user_task.test, [sigma, 10 * sigma]
    )
    assert kept >= accuracies[0] - 0.051 > lost
    with pytest.raises(ValueError, match="already costs more"):
        information.largest_sigma(user_original, user_task.test, loss=-0.5)

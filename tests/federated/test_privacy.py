"""Noise on the class means."""

import math

import pytest
import torch

from kit import federated
from kit.federated.privacy import private
from kit.methods import class_pruning as cp
from tests.federated.conftest import network


def test_noise_has_the_scale_it_says(task):
    means = cp.class_means(network(task), task.train, clip=0.5)
    layers = len(means.means)
    drawn = [private(means, 0.5, 2.0, seed) for seed in range(200)]
    counts = torch.stack([d.counts for d in drawn]).double()
    assert counts.mean().item() == pytest.approx(60, abs=0.3)
    assert counts.std().item() == pytest.approx(2.0, rel=0.1)
    big = cp.ClassMeans({"a": torch.full((4, 50), 10.0)}, means.counts)  # far from the clamp at 0
    sums = torch.stack([(d := private(big, 0.5, 2.0, s)).means["a"] * d.counts[:, None]
                        for s in range(200)])  # fmt: skip
    assert (sums - 600).std().item() == pytest.approx(2.0 * 0.5, rel=0.05)
    assert layers > 1 and private(means, 0.5, 0.0, 0) is means


def test_noise_grows_with_the_root_of_the_layers():
    """An image moves each of four layers' sums: together they change by twice the clip."""
    counts = torch.full((4,), 60)
    means = cp.ClassMeans({layer: torch.full((4, 50), 10.0) for layer in "abcd"}, counts)
    drawn = [private(means, 0.5, 2.0, seed) for seed in range(100)]
    sums = torch.stack([d.means[layer] * d.counts[:, None] for d in drawn for layer in "abcd"])
    assert sums.std().item() == pytest.approx(2.0 * 0.5 * 2, rel=0.03)


def test_epsilon_of_the_gaussian_mechanism():
    """Against the definition, delta = E[(1 - e^(eps - L))+] over the privacy loss L."""
    for noise in (0.7, 2.0, 10.0):
        mu = math.sqrt(2) / noise
        eps = federated.epsilon(noise, delta=1e-5)
        loss = torch.linspace(-12, 12, 2_000_001).double() * mu + mu * mu / 2
        density = torch.exp(-((loss - mu * mu / 2) ** 2) / (2 * mu * mu))
        density /= density.sum()
        delta = ((1 - torch.exp(eps - loss)).clamp(min=0) * density).sum().item()
        assert delta == pytest.approx(1e-5, rel=1e-3)
    assert federated.epsilon(0.0) == math.inf
    assert federated.epsilon(1.0, reports=4) == pytest.approx(federated.epsilon(0.5))
    with pytest.raises(ValueError, match="delta"):
        federated.epsilon(1.0, delta=0)

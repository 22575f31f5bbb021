"""Distances between weights, by hand."""

import copy

import pytest
import torch

import kit
from kit import metrics


def test_weight_distance(original):
    other = copy.deepcopy(original)
    with torch.no_grad():
        other.head.weight[0, 0] += 3
        other.head.bias[0] += 4
        other.conv.weight[0, 0, 0, 0] += 12
    layers = metrics.layer_distances(other, original)
    assert layers["head"] == pytest.approx(5, abs=1e-5)  # 3-4-5
    assert layers["conv"] == pytest.approx(12, abs=1e-5)
    assert sum(d > 0 for d in layers.values()) == 2
    assert metrics.weight_distance(other, original) == pytest.approx(13, abs=1e-5)  # 5-12-13
    size = sum(p.square().sum() for p in original.head.parameters()).sqrt().item()
    relative = metrics.layer_distances(other, original, relative=True)
    assert relative["head"] == pytest.approx(5 / size, abs=1e-5)


def test_distance_needs_one_architecture(original, task):
    with pytest.raises(ValueError, match="different architectures"):
        metrics.weight_distance(original, kit.models.build("resnet8", task, width=4))

"""Leaky ReLU where ReLU was, or a sentence."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kit.models.activations import calls_relu, set_activations

X = torch.randn(2, 3)


class AsFunction(nn.Module):
    def forward(self, x):
        return F.relu(x)


def test_relu_and_relu6_become_leaky():
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Sequential(nn.ReLU6(), nn.Hardswish(True)))
    assert calls_relu(net, X)
    set_activations(net, "leaky_relu")
    assert [type(m) for m in (net[0], *net[1])] == [nn.LeakyReLU, nn.LeakyReLU, nn.Hardswish]
    assert not net[1][1].inplace and not calls_relu(net, X)


def test_relu_stays_and_is_not_in_place():
    net = nn.Sequential(nn.ReLU(inplace=True), nn.ReLU6(inplace=True))
    set_activations(net, "relu")
    assert [type(m) for m in net] == [nn.ReLU, nn.ReLU6] and not any(m.inplace for m in net)


def test_nothing_to_replace_is_refused():
    for net in (nn.Sequential(nn.GELU()), nn.Sequential(AsFunction())):
        with pytest.raises(ValueError, match="this network has none"):
            set_activations(net, "leaky_relu")
    mixed = nn.Sequential(nn.ReLU(), AsFunction()).train()
    set_activations(mixed, "leaky_relu")
    assert calls_relu(mixed, X) and mixed.training

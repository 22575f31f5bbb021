"""Gradient ascent: its loss by hand; it stops at a guess."""

import math

import pytest
import torch

from kit.methods.neg_grad import Config, both_ways, pushed


def test_ascent_stops_at_a_guess():
    logits = torch.tensor([[0.0, 5.0], [2.0, 0.0]], requires_grad=True)
    pushed(logits, torch.tensor([0, 0]), cap=True).backward()
    assert logits.grad[0].abs().sum() == 0 and logits.grad[1].abs().sum() > 0


def test_down_on_the_retained_and_up_on_the_forgotten_by_hand():
    """The network says the image: CE is log 4 for the retained one, log(4/3) for the forgotten."""
    said = torch.tensor([[0.0, math.log(3)]])
    forgotten = iter([(said, torch.tensor([1]))])
    loss = both_ways(forgotten, Config(alpha=0.75))
    value = loss(torch.nn.Identity(), said, torch.tensor([0])).item()
    assert value == pytest.approx(0.75 * math.log(4) - 0.25 * math.log(4 / 3))

"""Gradient ascent stops at a guess."""

import torch

from kit.methods.neg_grad import pushed


def test_ascent_stops_at_a_guess():
    logits = torch.tensor([[0.0, 5.0], [2.0, 0.0]], requires_grad=True)
    pushed(logits, torch.tensor([0, 0]), cap=True).backward()
    assert logits.grad[0].abs().sum() == 0 and logits.grad[1].abs().sum() > 0

"""Distillation by hand."""

import torch

from kit.parts.distillation import distillation


def test_distillation_by_hand():
    student, teacher = torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[0.0, 1.0, 1.0]])
    p, q = (teacher / 2).softmax(1), (student / 2).softmax(1)
    by_hand = (p * (p / q).log()).sum()
    assert torch.allclose(distillation(student, teacher, scaled=False), by_hand)
    assert torch.allclose(distillation(student, teacher), 4 * by_hand)
    assert distillation(student, student).abs().max() <= 1e-6

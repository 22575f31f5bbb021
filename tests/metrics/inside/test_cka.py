"""CKA by hand, and where it misleads."""

import pytest
import torch

from kit import metrics


def test_cka_by_hand():
    x = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    assert metrics.linear_cka(x, x * torch.tensor([2.0, 1])) == pytest.approx(5 / 34**0.5, abs=1e-6)
    assert metrics.linear_cka(x, x[:, :1]) == pytest.approx(0.5**0.5, abs=1e-6)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    assert metrics.linear_cka(x, 3 * x @ turn) == pytest.approx(1, abs=1e-6)
    assert metrics.linear_cka(x + 5, x[:, :1] - 2) == pytest.approx(0.5**0.5, abs=1e-6)
    with pytest.raises(ValueError, match="at least 4 images, there are 3"):
        metrics.linear_cka(x[:3], x[:3])
    with pytest.raises(ValueError, match="same images, got 4 and 3"):
        metrics.linear_cka(x, x[:3])
    with pytest.raises(ValueError, match="same for all"):
        metrics.linear_cka(x, torch.ones(4, 2))


def test_unbiased_cka_is_zero_for_unrelated_features():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 100, 50, generator=generator)
    assert metrics.linear_cka(x, y) > 0.3  # too few images for the width
    assert abs(metrics.linear_cka(x, y, unbiased=True)) < 0.05
    assert metrics.linear_cka(x, x, unbiased=True) == pytest.approx(1, abs=1e-9)
    many = torch.randn(2, 5000, 20, generator=generator)
    assert metrics.linear_cka(*many) < 0.2

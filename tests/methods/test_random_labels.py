"""Random labels are wrong and spread."""

import pytest
import torch

from kit.methods import random_labels


def test_wrong_labels_are_wrong_and_spread():
    y = torch.arange(4).repeat(3000)
    wrong = random_labels.other_labels(y, 4, torch.Generator().manual_seed(0))
    assert (wrong != y).all()
    shares = torch.stack([wrong[y == c].bincount(minlength=4) for c in range(4)]) / 3000
    assert (shares[~torch.eye(4, dtype=torch.bool)] - 1 / 3).abs().max() < 0.05
    loose = random_labels.other_labels(y, 4, torch.Generator().manual_seed(0), exclude=False)
    assert (loose == y).double().mean() == pytest.approx(0.25, abs=0.02)

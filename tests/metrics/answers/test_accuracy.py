"""Accuracy and the answers themselves, by hand and against scikit-learn and SciPy."""

import math

import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics import accuracy_score

from kit import metrics

LOGITS = torch.tensor([[2.0, 1, 0], [0, 3, 1], [1, 0, 5], [0, 2, 1]])  # argmax 0, 1, 2, 1


LABELS = torch.tensor([0, 1, 0, 2])


def test_accuracy():
    assert metrics.accuracy(LOGITS, LABELS) == 0.5
    assert metrics.accuracy(LOGITS, LABELS) == accuracy_score(LABELS, LOGITS.argmax(1))
    assert metrics.per_class_accuracy(LOGITS, LABELS) == {0: 0.5, 1: 1.0, 2: 0.0}


def test_accuracy_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="no images"):
        metrics.accuracy(LOGITS[:0], LABELS[:0])
    with pytest.raises(ValueError, match="NaN"):
        metrics.accuracy(LOGITS * math.nan, LABELS)
    with pytest.raises(ValueError, match="labels"):
        metrics.accuracy(LOGITS, LABELS[:2])


def test_prediction_distribution():
    shares = metrics.prediction_distribution(LOGITS)
    assert shares.tolist() == [0.25, 0.5, 0.25]
    # Entropy 1.5 bits of at most log2(3).
    assert metrics.prediction_entropy(shares) == pytest.approx(1.5 / math.log2(3), abs=1e-6)
    assert metrics.prediction_entropy(shares) == pytest.approx(entropy(shares) / math.log(3), 1e-6)
    assert metrics.prediction_entropy(torch.tensor([0.0, 1.0, 0.0])) == 0
    assert metrics.prediction_entropy(torch.full((4,), 0.25)) == pytest.approx(1)


def test_total_variation_and_agreement():
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.25, 0.5])
    assert metrics.total_variation(p, q) == 0.5
    assert metrics.total_variation(p, p) == 0
    assert metrics.agreement(LOGITS, LOGITS[[0, 1, 1, 3]]) == 0.75
    with pytest.raises(ValueError, match="distributions of different shapes"):
        metrics.total_variation(torch.ones(2) / 2, torch.ones(1))
    with pytest.raises(ValueError, match="total variation: the numbers contain NaN"):
        metrics.total_variation(torch.full((2,), torch.nan), torch.ones(2) / 2)
    with pytest.raises(ValueError, match="at least two classes"):
        metrics.prediction_entropy(torch.ones(1))
    with pytest.raises(ValueError, match="different shapes"):
        metrics.agreement(LOGITS, LOGITS[:2])

"""Scores of membership: worked values."""

import pytest
import torch

from kit.metrics.membership import scores

P = torch.tensor([[0.7, 0.2, 0.1]])


FIRST = torch.tensor([0])


def test_scores_by_hand():
    z = P.log()
    assert scores.confidence(z, FIRST).item() == pytest.approx(0.7, abs=1e-6)
    assert scores.loss(z, FIRST).item() == pytest.approx(0.35667, abs=1e-5)
    assert scores.margin(z, FIRST).item() == pytest.approx(0.84730, abs=1e-5)
    assert scores.entropy(z).item() == pytest.approx(0.80182, abs=1e-5)
    for label, value in enumerate((0.16217, 2.1409, 2.9597)):
        said = scores.modified_entropy(z, torch.tensor([label])).item()
        assert said == pytest.approx(value, abs=1e-4)


def test_margin_is_the_logit_of_the_confidence():
    for p, value in ((0.9, 2.1972), (0.99, 4.5951)):
        z = torch.tensor([[p, 1 - p]]).log()
        assert scores.margin(z, FIRST).item() == pytest.approx(value, abs=1e-4)
    assert scores.margin(torch.tensor([[1000.0, 0, 0]]), FIRST).isfinite()


def test_modified_entropy_knows_the_label_and_each_row_stands_alone():
    sure = torch.tensor([[50.0, 0, 0]])
    assert scores.modified_entropy(sure, FIRST).item() == pytest.approx(0, abs=1e-6)
    assert scores.modified_entropy(sure, torch.tensor([1])).item() > 10
    assert scores.entropy(sure).item() == pytest.approx(0, abs=1e-6)
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    alone = [scores.modified_entropy(z[i : i + 1], y[i : i + 1]).item() for i in range(6)]
    assert scores.modified_entropy(z, y).tolist() == pytest.approx(alone, abs=1e-6)
    p = z.double().softmax(1)  # the definition, term by term
    own = p[range(6), y]
    rest = [sum(p[i, k] * (1 - p[i, k]).log() for k in range(3) if k != y[i]) for i in range(6)]
    wanted = -(1 - own) * own.log() - torch.stack(rest)
    assert alone == pytest.approx(wanted.tolist(), abs=1e-6)

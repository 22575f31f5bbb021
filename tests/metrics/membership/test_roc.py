"""ROC curves: worked values and parity with scikit-learn."""

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from kit.metrics import Attack


def test_attack_by_hand():
    attack = Attack(torch.tensor([3.0, 2, 1]), torch.tensor([2.5, 0, 0]))
    assert attack.auc == pytest.approx(7 / 9)
    assert attack.tpr(0) == pytest.approx(1 / 3)
    assert attack.leak == pytest.approx(5 / 9)
    assert Attack(torch.tensor([0.9, 0.8, 0.4]), torch.tensor([0.7, 0.3, 0.2])).auc == 8 / 9
    with pytest.raises(ValueError, match="NaN"):
        Attack(torch.tensor([math.nan]), torch.tensor([1.0]))
    with pytest.raises(ValueError, match="members"):
        Attack(torch.tensor([]), torch.tensor([1.0]))


def test_one_score_has_no_interval():
    attack = Attack(torch.ones(1), torch.zeros(5))
    assert attack.auc == 1
    with pytest.raises(ValueError, match="at least two members"):
        attack.interval()


def test_roc_equals_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    inside = torch.randn(300, generator=generator).round(decimals=1) + 0.5  # with ties
    outside = torch.randn(200, generator=generator).round(decimals=1)
    attack = Attack(inside, outside)
    truth = [1] * 300 + [0] * 200
    values = torch.cat([inside, outside])
    assert attack.auc == pytest.approx(roc_auc_score(truth, values), abs=1e-6)
    fpr, tpr, _ = roc_curve(truth, values, drop_intermediate=False)
    ours = attack.roc()
    assert ours[0] == pytest.approx(fpr, abs=1e-6) and ours[1] == pytest.approx(tpr, abs=1e-6)


def test_attack_intervals():
    generator = torch.Generator().manual_seed(0)
    attack = Attack(torch.randn(400, generator=generator), torch.randn(400, generator=generator))
    low, high = attack.interval()
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * attack.null_auc_sd(), rel=0.25)
    groups = torch.arange(400) // 100
    wide = Attack(attack.members + groups, attack.nonmembers + groups, groups, groups)
    low, high = wide.interval("tpr", fpr=0.1, draws=200)
    assert 0 <= low <= wide.tpr(0.1) <= high <= 1

"""Scores, ROC curves and attacks: worked values, parity with scikit-learn, planted cases."""

import math

import pytest
import torch
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

import kit
from kit.datasets.split import same_mix
from kit.metrics import Attack, rmia, u_lira, u_lira_interval
from kit.metrics.membership import attacks, lira, scores

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


def test_threshold_attack():
    generator = torch.Generator().manual_seed(1)
    inside, outside = torch.randn(2, 4000, generator=generator)
    assert abs(kit.metrics.threshold_attack(inside, outside) - 0.5) < 0.03
    shifted = kit.metrics.threshold_attack(inside + 2, outside)
    assert shifted == pytest.approx(norm.cdf(1), abs=0.02)  # the best threshold lies midway
    # Classes on different levels: one threshold for all is poor, one a class is as good as before.
    y = torch.arange(4000) % 4
    level = 10.0 * y
    overall = kit.metrics.threshold_attack(inside + 2 + level, outside + level)
    per_class = kit.metrics.threshold_attack(inside + 2 + level, outside + level, labels=(y, y))
    assert overall < 0.65 and per_class == pytest.approx(norm.cdf(1), abs=0.03)


def test_forget_attack_compares_like_with_like(original, task):
    assert attacks.forget_attack(original, task).auc == pytest.approx(0.5, abs=0.2)
    samples = kit.tasks.forget_samples(
        task.data, [0, 1, 2, 60, 61, 120]
    )  # classes 0, 0, 0, 1, 1, 2
    outside = same_mix(samples.test, samples.forget)
    assert torch.bincount(outside.y, minlength=4).tolist() == [20, 13, 7, 0]
    with pytest.raises(ValueError, match="no test image"):
        same_mix(task.test_retain, task.forget)
    with pytest.raises(ValueError, match="unknown score"):
        attacks.forget_attack(original, task, score="charm")


def test_rates_of_the_svm_attacks(original, retrained, task):
    for model in (original, retrained):
        for rate in (attacks.svm_nonmember_rate, attacks.entropy_member_rate):
            assert 0 <= rate(model, task) <= 1
    # The retrained model gives the forgotten labels no confidence: all are non-members.
    assert attacks.svm_nonmember_rate(retrained, task) > 0.9
    assert abs(attacks.loss_attack_accuracy(original, task) - 0.5) < 0.2


def test_likelihood_ratio_by_hand():
    one = torch.tensor(1.0)
    for phi, ratio in ((2.0, 1.0), (2.5, math.e)):
        value = lira.log_likelihood_ratio(torch.tensor(phi), 3 * one, one, one, one)
        assert value.exp().item() == pytest.approx(ratio, abs=1e-5)
    assert lira.offline_score(torch.tensor(2.5), one, one).item() == pytest.approx(0.9332, abs=1e-4)


def margins_with_signal(shift, *, shadows=64, images=400, seed=0):
    generator = torch.Generator().manual_seed(seed)
    trained = torch.rand(shadows, images, generator=generator) < 0.5
    level = 5 * torch.randn(images, generator=generator)  # some images are easy, some hard
    noise = torch.randn(shadows, images, generator=generator)
    return level + noise + shift * trained, trained


def test_u_lira_has_the_roc_of_theory():
    """Two normal distributions one standard deviation apart: TPR = Phi(Phi^-1(FPR) + 1)."""
    margins, trained = margins_with_signal(1.0)
    attack = u_lira(margins, trained, ~trained)
    assert attack.auc == pytest.approx(norm.cdf(1 / 2**0.5), abs=0.02)
    for fpr in (0.01, 0.1, 0.5):
        assert attack.tpr(fpr) == pytest.approx(norm.cdf(norm.ppf(fpr) + 1), abs=0.02)
    weak = lira.population_attack(margins, trained, ~trained)
    assert attack.auc > weak.auc + 0.1 and attack.tpr(0.01) > 2 * weak.tpr(0.01)


def test_u_lira_is_at_chance_where_there_is_nothing():
    margins, trained = margins_with_signal(0.0)
    low, high = u_lira_interval(margins, trained, ~trained)
    assert low < 0.5 < high and high - low < 0.1


def test_u_lira_intervals_cover():
    """Ten worlds without signal: the jackknife covers chance in nearly all of them."""
    covered = 0
    for seed in range(10):
        margins, trained = margins_with_signal(0.0, shadows=16, images=40, seed=seed)
        low, high = u_lira_interval(margins, trained, ~trained)
        covered += low <= 0.5 <= high
    assert covered >= 9


def test_u_lira_refuses():
    margins, trained = margins_with_signal(1.0, shadows=4, images=3)
    with pytest.raises(ValueError, match="one shape"):
        u_lira(margins, trained, trained[:2])
    with pytest.raises(ValueError, match="cannot be unlearned"):
        u_lira(margins, trained, trained)
    with pytest.raises(ValueError, match="broken"):
        u_lira(margins * math.nan, trained, ~trained)
    with pytest.raises(ValueError, match="too few"):
        u_lira(margins, torch.zeros_like(trained), ~trained)


def test_rmia_by_hand():
    score = rmia(
        torch.tensor([0.9]), torch.tensor([[0.6]]),
        torch.tensor([0.8, 0.5, 0.95]), torch.tensor([[0.8, 0.25, 0.5]]),
    )  # fmt: skip
    assert score.item() == pytest.approx(1 / 3)  # 1.5 against 1, 2 and 1.9
    prior = ((1 + 0.3) * 0.5 + 1 - 0.3) / 2
    assert prior == pytest.approx(0.675)
    offline = rmia(
        torch.tensor([prior]), torch.tensor([[0.5]]), torch.tensor([0.675, 0.6]),
        torch.tensor([[0.5, 0.5]]), offline=0.3,
    )  # fmt: skip
    assert offline.item() == 1


def test_rmia_is_uniform_where_target_and_references_are_alike():
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(5, 4000, generator=generator)
    score = rmia(p[0, :2000], p[1:, :2000], p[0, 2000:], p[1:, 2000:])
    deciles = torch.histc(score, 10, 0, 1) / len(score)
    assert (deciles - 0.1).abs().max() < 0.03


def test_exposure_finds_the_planted_image():
    margins, trained = margins_with_signal(0.0)
    target = margins[0].clone()
    target[123] += 8
    assert lira.exposure(margins[1:], ~trained[1:], target).argmax().item() == 123

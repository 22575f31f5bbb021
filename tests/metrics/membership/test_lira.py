"""Attacks with many models: worked values, theory, planted cases."""

import math

import pytest
import torch
from scipy.stats import norm, t

from kit.metrics import rmia, u_lira, u_lira_interval
from kit.metrics.membership import lira


def test_likelihood_ratio_by_hand():
    one = torch.tensor(1.0)
    for phi, ratio in ((2.0, 1.0), (2.5, math.e)):
        value = lira.log_likelihood_ratio(torch.tensor(phi), 3 * one, one, one, one)
        assert value.exp().item() == pytest.approx(ratio, abs=1e-5)
    assert lira.offline_score(torch.tensor(2.5), one, one).item() == pytest.approx(0.9332, abs=1e-4)


def test_likelihood_ratio_of_two_widths():
    score, inside, outside = torch.tensor(2.0), torch.tensor([3.0, 0.5]), torch.tensor([1.0, 2.0])
    value = lira.log_likelihood_ratio(score, *inside, *outside)
    assert value.item() == pytest.approx(norm.logpdf(2, 3, 0.5) - norm.logpdf(2, 1, 2), abs=1e-6)


def test_many_shadows_give_each_image_a_width_of_its_own():
    generator = torch.Generator().manual_seed(0)
    margins = torch.tensor([1.0, 5.0]) * torch.randn(128, 2, generator=generator).double()
    everyone = torch.ones_like(margins, dtype=torch.bool)
    assert torch.allclose(lira.gaussians(margins, everyone)[1], margins.std(0))
    few = margins[: lira.POOLED_BELOW - 1]
    pooled = few.var(0).mean().sqrt()  # one for all, where there are too few to tell
    assert torch.allclose(lira.gaussians(few, everyone[: len(few)])[1], pooled.expand(2))


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


@pytest.mark.slow
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


def test_the_interval_of_a_rate_leaves_each_shadow_out_in_turn():
    margins, trained = margins_with_signal(1.0, shadows=12, images=60)

    def rate(kept: torch.Tensor) -> float:
        return u_lira(margins[kept], trained[kept], ~trained[kept]).tpr(0.1)

    everyone = torch.arange(12)
    rates = [rate(everyone[everyone != n]) for n in everyone]
    error = (11 / 12 * sum((r - sum(rates) / 12) ** 2 for r in rates)) ** 0.5
    half = t.ppf(0.975, 11) * error
    low, high = u_lira_interval(margins, trained, ~trained, of=lambda attack: attack.tpr(0.1))
    middle = rate(everyone)
    assert (low, high) == pytest.approx((max(0, middle - half), min(1, middle + half)), abs=1e-6)


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


def test_rmia_takes_confidences_alone():
    good, references = torch.tensor([0.9, 0.2]), torch.tensor([[0.6, 0.3]])
    for wrong, match in (
        (torch.tensor([torch.nan, 0.5]), "NaN"), (torch.tensor([3.0, -1.0]), "not margins"),
        (torch.tensor([torch.inf, 0.5]), "not margins"), (torch.zeros(0), "no images"),
    ):  # fmt: skip
        for arguments in (
            (wrong, references, good, references),
            (good, references, wrong, references),
        ):
            with pytest.raises(ValueError, match=match):
                rmia(*arguments)
    with pytest.raises(ValueError, match="NaN"):
        rmia(good, references * math.nan, good, references)


def test_rmia_where_confidences_round_to_zero():
    """No model has seen the image and none knows it: as likely as where all are sure."""
    none, one = torch.zeros(1), torch.ones(1)
    assert rmia(none, none[None], one, one[None]).item() == 1
    assert rmia(one, one[None], none, none[None]).item() == 1


def test_rmia_offline_compares_with_the_prior_by_hand():
    """Prior 0.675 for the image, so its ratio is 1; 0.87 for the others, whose ratios are 0.989
    and 1.011: it is as high as one of the two."""
    score = rmia(
        torch.tensor([0.675]), torch.tensor([[0.5]]), torch.tensor([0.86, 0.88]),
        torch.tensor([[0.8, 0.8]]), offline=0.3,
    )  # fmt: skip
    assert score.item() == 0.5


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


def test_exposure_and_the_weak_attack_refuse():
    margins, trained = margins_with_signal(0.0, shadows=4, images=3)
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="contain"):
            lira.exposure(margins * value, ~trained, margins[0])
        with pytest.raises(ValueError, match="contain"):
            lira.exposure(margins, ~trained, margins[0] * value)
        with pytest.raises(ValueError, match=r"models \[0, 1, 2, 3\] contain"):
            lira.population_attack(margins * value, trained, ~trained)
    with pytest.raises(ValueError, match="never seen in two"):
        lira.exposure(margins[:1], ~trained[:1], margins[0])

"""KLoM, the competition's score, and the statistics: worked values and nulls."""

import pytest
import torch
from scipy import stats

from kit.metrics import statistics as st
from kit.metrics.many import forgetting_score as challenge
from kit.metrics.many import klom

UNLEARNED = torch.tensor([[0.0], [1], [2], [3]])
RETRAINED = torch.tensor([[2.0], [3], [4], [5]])


def test_klom_by_hand():
    histogram = klom.klom_histogram(UNLEARNED, RETRAINED, bins=5)
    assert histogram.item() == pytest.approx(5.0633, abs=1e-4)
    lost = klom.klom_histogram(UNLEARNED, RETRAINED, bins=5, variant="code")
    assert lost.item() == pytest.approx(4.9195, abs=1e-4)
    spread = UNLEARNED.std().item()
    unit = klom.klom_gaussian(UNLEARNED / spread, UNLEARNED / spread + 1)
    assert unit.item() == pytest.approx(0.5, abs=1e-6)
    assert klom.klom_gaussian(UNLEARNED, UNLEARNED).item() == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="same images"):
        klom.klom_gaussian(UNLEARNED, RETRAINED.T)


@pytest.mark.parametrize(
    ("models", "floor"), [(10, 5.65), (20, 3.0), (50, 0.78), (100, 0.32), (500, 0.048)]
)
def test_klom_histogram_null(models, floor):
    """The two readings of the estimator's floor differ by a tenth; these lie between them."""
    assert klom.null(models, estimator=klom.klom_histogram) == pytest.approx(floor, rel=0.1)


@pytest.mark.parametrize(("models", "floor"), [(10, 0.155), (20, 0.075), (50, 0.029)])
def test_klom_gaussian_null(models, floor):
    assert klom.null(models, images=20000) == pytest.approx(floor, rel=0.1)


def test_epsilon_by_hand():
    for fpr, fnr, value in ((0.1, 0.1, 2.1972), (0.05, 0.4, 2.4849), (0.3, 0.6, 0.2877)):
        assert challenge.epsilon(fpr, fnr).item() == pytest.approx(value, abs=1e-3)
    assert challenge.epsilon(0.5, 0.5).item() == 0
    assert challenge.epsilon(0.0, 0.0).item() == float("inf")
    assert challenge.epsilon(0.0, 0.3).item() == -float("inf")  # too few models to tell: dropped


def test_image_score_by_hand():
    for eps, value in ((0.49, 1), (0.5, 0.5), (1.2, 0.25), (2.1972, 0.0625), (6.9, 2.0**-13)):
        assert challenge.image_score(eps, 512) == value
    assert challenge.image_score(7.0, 512) == 0
    mean = (1 + 0.5 + 0.25 + 0.0625) / 4
    score = challenge.competition_score(mean, (0.98, 1.0), (0.90, 0.92))
    assert score == pytest.approx(0.4344, abs=1e-4)


def test_forgetting_score_sees_what_differs():
    ours, theirs = torch.randn(2, 100, 40, generator=torch.Generator().manual_seed(0))
    same = challenge.forgetting_score(ours, theirs)
    assert challenge.forgetting_score(ours + 1, theirs) < same
    assert challenge.forgetting_score(ours + 100, theirs) == 0
    assert challenge.epsilon_of_image(ours[:, 0] * 1e-3, theirs[:, 0]) == challenge.CAP
    # A narrower distribution around the same middle escapes single thresholds, not intervals.
    narrow = 0.2 * ours[:, 0]
    single = challenge.epsilon_of_image(narrow, theirs[:, 0], rules="single")
    assert challenge.epsilon_of_image(narrow, theirs[:, 0]) >= single
    with pytest.raises(ValueError, match="as many models"):
        challenge.forgetting_score(ours, theirs[:50])


def test_forgetting_score_null():
    """Where nothing differs, the best single threshold still finds epsilon 1.1."""
    for models in (20, 100):
        assert challenge.null(models, rules="single")["epsilon"] == pytest.approx(1.1, rel=0.1)
    assert challenge.null(100, rules="single")["score"] == pytest.approx(0.38, rel=0.1)


def test_share_intervals_by_hand():
    for correct, total, low, high in (
        (8, 10, 0.4902, 0.9433), (0, 100, 0, 0.0370), (940, 1000, 0.9235, 0.9531),
    ):  # fmt: skip
        assert st.wilson(correct, total) == pytest.approx((low, high), abs=1e-4)
        theirs = stats.binomtest(correct, total).proportion_ci(method="wilson")
        assert st.wilson(correct, total) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
        exact = stats.binomtest(correct, total).proportion_ci(method="exact")
        ours = st.clopper_pearson(correct, total)
        assert ours == pytest.approx((exact.low, exact.high), abs=1e-6)
    with pytest.raises(ValueError, match="correct <= total"):
        st.wilson(3, 2)


def test_paired_difference_by_hand():
    difference = st.paired_difference([0.5, 1.5, 1, 2, 0], [0] * 5)
    assert difference.mean == 1.0
    assert difference.high - difference.mean == pytest.approx(0.9816, abs=1e-4)
    theirs = stats.ttest_rel([0.5, 1.5, 1, 2, 0], [0] * 5).confidence_interval()
    assert (difference.low, difference.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
    with pytest.raises(ValueError, match="two pairs"):
        st.paired_difference([1.0], [1.0])


def test_equivalence_needs_more_than_an_insignificant_difference():
    theirs = [0.90, 0.91, 0.89, 0.90, 0.90]
    noisy = [0.80, 1.00, 0.85, 0.95, 0.93]
    difference = st.paired_difference(noisy, theirs)
    assert difference.low < 0 < difference.high  # not significant ...
    assert not st.equivalence(noisy, theirs, margin=0.01).equivalent  # ... and not equivalent
    close = [value + 0.001 for value in theirs]
    assert st.equivalence(close, theirs, margin=0.01).equivalent
    # Two one-sided t-tests at 5 % decide the same.
    low = stats.ttest_rel([c + 0.01 for c in noisy], theirs, alternative="greater").pvalue
    high = stats.ttest_rel([c - 0.01 for c in noisy], theirs, alternative="less").pvalue
    assert max(low, high) > 0.05
    with pytest.raises(ValueError, match="positive"):
        st.equivalence(close, theirs, margin=0)


def test_power_by_hand():
    for effect, seeds, value in (
        (1, 3, 0.18), (1, 5, 0.40), (1, 8, 0.68), (1, 10, 0.80), (1, 20, 0.99),
        (2, 3, 0.47), (2, 5, 0.91), (2, 8, 0.998),
    ):  # fmt: skip
        assert st.power(effect, seeds) == pytest.approx(value, abs=0.006)
    assert st.seeds_needed(1.7) == 5 and st.seeds_needed(1.0) == 10
    assert st.power(0, 5) == pytest.approx(0.05, abs=1e-6)


def test_holm_by_hand():
    assert st.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])

"""Intervals, equivalence, power: worked values and SciPy."""

import pandas as pd
import pytest
from scipy import stats

from kit.metrics import statistics as st


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
    with pytest.raises(ValueError, match="1 of 3 values are NaN"):
        st.paired_difference([1.0, float("nan"), 2.0], [1.0] * 3)


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


def test_equivalence_looks_at_both_bounds():
    theirs = [0.90, 0.91, 0.89, 0.90, 0.90]
    for far in (-0.05, 0.05):
        moved = [value + far for value in theirs]
        assert not st.equivalence(moved, theirs, margin=0.01).equivalent


def test_equivalence_is_two_tests_at_five_per_cent():
    """Between the 90 % and the 95 % interval: p is 0.032, equivalent."""
    ours, margin = [0.0, 0.002, -0.001, 0.001, 0.003], 0.0028
    wide = st.paired_difference(ours, [0.0] * 5, level=0.95)
    p = stats.ttest_1samp(ours, margin, alternative="less").pvalue
    assert 0.025 < p < 0.05 and wide.high > margin
    assert st.equivalence(ours, [0.0] * 5, margin=margin).equivalent


def test_power_by_hand():
    for effect, seeds, value in (
        (1, 3, 0.18), (1, 5, 0.40), (1, 8, 0.68), (1, 10, 0.80), (1, 20, 0.99),
        (2, 3, 0.47), (2, 5, 0.91), (2, 8, 0.998),
    ):  # fmt: skip
        assert st.power(effect, seeds) == pytest.approx(value, abs=0.006)
    assert st.seeds_needed(1.7) == 5 and st.seeds_needed(1.0) == 10
    assert st.power(0, 5) == pytest.approx(0.05, abs=1e-6)
    for of_nan in (lambda: st.power(float("nan"), 5), lambda: st.seeds_needed(float("nan"))):
        with pytest.raises(ValueError, match="effect is NaN"):
            of_nan()


def test_holm_by_hand():
    assert st.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    for wrong in (float("nan"), 1.5, -0.1):
        with pytest.raises(ValueError, match=r"p-values must lie in \[0, 1\]"):
            st.holm([0.01, wrong])


def test_the_seed_is_the_unit_whatever_was_asked_for():
    runs = pd.Series(
        [1.0, 3.0, 2.0, 6.0],
        index=pd.MultiIndex.from_product([[0, 1], ["class:0", "class:1"]], names=["seed", "task"]),
    )
    asked = st.over_seeds(runs)
    assert (asked.mean, asked.seeds) == (3.0, 2)  # of 2 and 4, not of four runs
    assert asked.high - asked.mean == pytest.approx(stats.t.ppf(0.975, 1))  # sd / sqrt(2) = 1
    with pytest.raises(ValueError, match="1 of 4 runs have no value"):
        st.over_seeds(runs.replace(6.0, float("nan")))
    with pytest.raises(ValueError, match="index level 'seed'"):
        st.over_seeds(runs.droplevel("seed"))
    with pytest.raises(ValueError, match="at least two values"):
        st.over_seeds(runs.loc[[0]])


def test_a_prediction_interval_is_where_one_more_seed_lies():
    band = st.prediction_interval([0.4, 0.5, 0.6])
    assert (band.low + band.high) / 2 == pytest.approx(0.5)
    assert band.high - 0.5 == pytest.approx(4.3027 * 0.1 * (4 / 3) ** 0.5, rel=1e-4)
    with pytest.raises(ValueError, match="at least two values"):
        st.prediction_interval([0.5])

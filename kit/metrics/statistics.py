"""How sure a number is: intervals, paired differences, equivalence, power.

The unit of replication is the training seed: an original, what a method makes of it, and a
retrained model. Test images only say how well *this* model was measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from kit.runtime.checks import positive


def wilson(correct: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share of ``total`` images (Wilson 1927), within [0, 1].

    It does not collapse at 0 or all correct. It covers the choice of test images only, not that of
    the training seed.
    """
    if not 0 <= correct <= total or total == 0:
        raise ValueError(f"need 0 <= correct <= total and total > 0, got {correct} of {total}")
    z = scipy.stats.norm.ppf((1 + level) / 2)
    p, shrink = correct / total, 1 + z**2 / total
    middle = (p + z**2 / (2 * total)) / shrink
    half = z * math.sqrt(p * (1 - p) / total + z**2 / (4 * total**2)) / shrink
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def clopper_pearson(correct: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share; for true positive rates at low false positive rates."""
    if not 0 <= correct <= total or total == 0:
        raise ValueError(f"need 0 <= correct <= total and total > 0, got {correct} of {total}")
    tail = (1 - level) / 2
    low = scipy.stats.beta.ppf(tail, correct, total - correct + 1) if correct else 0.0
    high = scipy.stats.beta.ppf(1 - tail, correct + 1, total - correct) if correct < total else 1.0
    return float(low), float(high)


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its interval."""

    mean: float
    low: float
    high: float
    seeds: int

    def __str__(self):
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}], {self.seeds} seeds"


def mean_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """The mean of one value a seed with Student's t-interval; ``ValueError`` for fewer than two, or
    where one is NaN."""
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < 2:
        raise ValueError(f"an interval over seeds needs at least two values, got {n}")
    if np.isnan(values).any():
        raise ValueError(f"{np.isnan(values).sum()} of {n} values are NaN: leave out these seeds")
    half = scipy.stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / math.sqrt(n)
    mean = float(values.mean())
    return Interval(mean, float(mean - half), float(mean + half), n)


def prediction_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Where the value of one more seed lies, if seeds are normally distributed, around the mean.

    The interval of the mean, wider by the spread of that seed itself; ``ValueError`` as there.
    """
    found = mean_interval(values, level=level)
    half = (found.high - found.mean) * math.sqrt(found.seeds + 1)
    return Interval(found.mean, found.mean - half, found.mean + half, found.seeds)


def over_seeds(values: pd.Series, *, level: float = 0.95) -> Interval:
    """The mean of a quantity over seeds with Student's t-interval, one value a *run* given.

    Runs with one seed share an original and a retrained model, whatever they were asked to forget:
    they are averaged first. Give a difference of two arms for a paired comparison.

    Parameters
    ----------
    values
        indexed by run, with a level "seed" (``kit.results.by_run``).

    Raises
    ------
    ValueError
        no level "seed", fewer than two seeds, or a run without a value.
    """
    if "seed" not in values.index.names:
        raise ValueError(f"values need an index level 'seed', got {list(values.index.names)}")
    if values.isna().any():
        raise ValueError(f"{values.isna().sum()} of {len(values)} runs have no value")
    return mean_interval(values.groupby("seed").mean(), level=level)


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], *, level: float = 0.95
) -> Interval:
    """``mean(ours - theirs)`` over seeds with Student's t-interval; pairs share their seed.

    Raises
    ------
    ValueError
        fewer than two pairs, or lists of different lengths.
    """
    if len(ours) != len(theirs) or len(ours) < 2:
        raise ValueError(f"need at least two pairs, got {len(ours)} and {len(theirs)} values")
    return mean_interval(np.asarray(ours, float) - np.asarray(theirs, float), level=level)


@dataclass(frozen=True)
class Equivalence:
    """The outcome of two one-sided tests."""

    equivalent: bool
    difference: Interval  # with the 90 % interval that decides
    margin: float

    def __str__(self):
        verdict = "equivalent" if self.equivalent else "not shown to be equivalent"
        return f"{verdict} within {self.margin:.3f}: {self.difference}"


def equivalence(ours: Sequence[float], theirs: Sequence[float], *, margin: float) -> Equivalence:
    """Two one-sided tests at 5 % (TOST, Schuirmann 1987): is the difference surely small?

    Equivalent if the 90 % interval of the paired difference lies inside ``+-margin``. The margin is
    fixed *before* looking: a number, or the spread of retrained models of another experiment. The
    spread of the very models in the test will not do: a noisier reference would make equivalence
    easier. A difference that is merely not significant shows nothing.
    """
    positive(margin=margin)
    difference = paired_difference(ours, theirs, level=0.9)
    return Equivalence(-margin < difference.low and difference.high < margin, difference, margin)


def power(effect: float, seeds: int, *, level: float = 0.05) -> float:
    """Probability that a two-sided paired t-test over ``seeds`` pairs detects a difference of
    ``effect`` standard deviations of the paired differences."""
    if math.isnan(effect):
        raise ValueError("the effect is NaN")
    if seeds < 2:
        raise ValueError(f"a t-test needs at least two pairs, got {seeds}")
    critical = scipy.stats.t.ppf(1 - level / 2, seeds - 1)
    shifted = scipy.stats.nct(seeds - 1, effect * math.sqrt(seeds))
    return float(shifted.sf(critical) + shifted.cdf(-critical))


def seeds_needed(effect: float, *, wanted: float = 0.8, level: float = 0.05) -> int:
    """The least number of paired seeds that detects ``effect`` with probability ``wanted``."""
    if effect == 0:
        raise ValueError("no number of seeds detects a difference of zero")
    seeds = 2
    while power(effect, seeds, level=level) < wanted:
        seeds += 1
    return seeds


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values for several comparisons at once, in the order given."""
    p = np.asarray(p_values, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values must lie in [0, 1], got {list(p_values)}")
    order = p.argsort()
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = steps.clip(max=1)
    return adjusted.tolist()

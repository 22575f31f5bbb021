"""Several gaps to the retrained model folded into one number. Never without the parts."""

import math
from collections.abc import Mapping

from kit.metrics.undefined import Undefined


def average_gap(ours: Mapping[str, float], retrained: Mapping[str, float]) -> float:
    """Mean absolute difference to the retrained model over the metrics that ``ours`` names.

    The SalUn line of work takes forget, retain and test accuracy and an attack's success; in the
    units of what is given. Zero is reachable by a model that behaves differently. Compare seed by
    seed: the mean of absolute differences is not the difference of means.
    """
    _check(ours, retrained)
    return sum(abs(ours[name] - retrained[name]) for name in ours) / len(ours)


def tug_of_war(ours: Mapping[str, float], retrained: Mapping[str, float]) -> float:
    """``prod (1 - |acc - acc_retrained|)`` over accuracies in [0, 1] (Zhao et al., NeurIPS 2024).

    In [0, 1], 1 for a model of the same accuracies. For classes take the test accuracy on retained
    classes, or the forgotten class counts twice.

    Raises
    ------
    ValueError
        a value outside [0, 1], per cents for instance.
    """
    _check(ours, retrained)
    for name in ours:
        for value in (ours[name], retrained[name]):
            if not 0 <= value <= 1:
                raise ValueError(f"accuracies must lie in [0, 1], {name} is {value}")
    return math.prod(1 - abs(ours[name] - retrained[name]) for name in ours)


def _check(ours: dict[str, float], retrained: dict[str, float]) -> None:
    for name in ours:
        if math.isnan(ours[name]) or math.isnan(retrained.get(name, 0.0)):
            raise Undefined(f"{name} is NaN: a gap to it is not defined")
    if not ours or set(ours) - set(retrained):
        raise ValueError(
            f"need the same metrics of both, got {sorted(ours)} and {sorted(retrained)}"
        )

"""Numbers that cannot be computed: refused one by one, NaN with a reason in a row of many."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar


class Undefined(ValueError):
    """A number that these images or these networks do not determine, through no fault of theirs."""


_reasons: ContextVar[dict[str, str] | None] = ContextVar("reasons", default=None)


def or_nan(names: Sequence[str], measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What ``measure`` gives; NaN under each of ``names`` where that is ``Undefined``."""
    try:
        return measure()
    except Undefined as error:
        reasons = _reasons.get()
        if reasons is not None:
            reasons |= dict.fromkeys(names, str(error))
        return dict.fromkeys(names, math.nan)


def number(name: str, measure: Callable[[], float], *, if_nan: str = "") -> dict[str, float]:
    """A row of one number; ``if_nan`` is why, where ``measure`` gives NaN itself."""

    def measured() -> dict[str, float]:
        value = measure()
        if if_nan and math.isnan(value):
            raise Undefined(if_nan)
        return {name: value}

    return or_nan([name], measured)


@contextmanager
def explained() -> Iterator[None]:
    """Around the body of a function that makes a row: its caller gets one warning that says which
    numbers are NaN and why. Inside another one nothing is said twice."""
    if _reasons.get() is not None:
        yield
        return
    reasons: dict[str, str] = {}
    token = _reasons.set(reasons)
    try:
        yield
    finally:
        _reasons.reset(token)
    if reasons:
        said = "; ".join(
            f"{', '.join(name for name in reasons if reasons[name] == reason)} ({reason})"
            for reason in dict.fromkeys(reasons.values())
        )
        warnings.warn(f"NaN in this row: {said}", stacklevel=4)

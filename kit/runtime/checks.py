"""What settings may be: one sentence for each kind of refusal, wherever it is spoken."""

from collections.abc import Iterable


def one_of(name: str, value: object, choices: Iterable) -> None:
    """``ValueError`` unless ``value`` is one of ``choices``."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}")


def known(what: str, name: str, names: Iterable[str]) -> None:
    """``ValueError`` unless there is a ``what`` of this name."""
    names = list(names)
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}; choose one of {', '.join(names)}")


def positive(**values: float) -> None:
    """``ValueError`` if one of the values, given by name, is 0 or less."""
    for name, value in values.items():
        if not value > 0:  # NaN is refused, too
            raise ValueError(f"{name} must be positive, got {value}")


def at_least(least: float, **values: float) -> None:
    """``ValueError`` if one of the values, given by name, is below ``least``."""
    for name, value in values.items():
        if not value >= least:
            raise ValueError(f"{name} must be at least {least}, got {value}")


def not_negative(**values: float) -> None:
    """``ValueError`` if one of the values, given by name, is below 0."""
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name} must not be negative, got {value}")


def within_one(**values: float) -> None:
    """``ValueError`` unless all values, given by name, are more than 0 and at most 1."""
    for name, value in values.items():
        if not 0 < value <= 1:
            raise ValueError(f"{name} must lie in (0, 1], got {value}")

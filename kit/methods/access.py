"""Data access, enforced: a method declares what it needs and is handed only that."""

import re
from dataclasses import dataclass

from kit.splits import Split
from kit.tasks import ForgetTask


class DataAccessError(PermissionError):
    """A method touched data that it had not declared."""


@dataclass(frozen=True)
class Needs:
    """The training images a method may see after the request; test images are never allowed.

    Each of ``retain`` and ``forget`` is None, "all", "N per class" or "P %" (of each class, drawn
    at random with the run's seed).

    Raises
    ------
    ValueError
        an amount that reads otherwise, no images at all, more than 100 %.
    """

    retain: str | None = None
    forget: str | None = None

    def __post_init__(self):
        for amount in (self.retain, self.forget):
            if amount in (None, "all"):
                continue
            read = re.fullmatch(r"(\d+) per class|(\d+\.?\d*) %", amount)
            if not read:
                raise ValueError(f'cannot read {amount!r}: use None, "all", "N per class" or "P %"')
            if float(read[1] or read[2]) == 0 or float(read[2] or 0) > 100:
                raise ValueError(f"{amount!r} must be more than 0, and not more than 100 %")

    def __str__(self):
        return f"retain: {self.retain or 'nothing'}; forget: {self.forget or 'nothing'}"


class TaskView:
    """What a method sees of a ``ForgetTask``: the declared data and the request, nothing else."""

    def __init__(self, task: ForgetTask, needs: Needs, seed: int):
        self.level = task.level
        self.forget_classes = list(task.forget_classes)
        self.retain_classes = sorted(task.retain.y.unique().tolist())
        self.num_classes = task.num_classes
        self.input_shape = (task.in_channels, task.image_size, task.image_size)
        self._splits = {
            "retain": _allowed(task.retain, needs.retain, seed),
            "forget": _allowed(task.forget, needs.forget, seed),
        }
        self._needs = needs

    @property
    def retain(self) -> Split:
        return self._declared("retain")

    @property
    def forget(self) -> Split:
        return self._declared("forget")

    def _declared(self, kind: str) -> Split:
        if self._splits[kind] is None:
            raise DataAccessError(
                f"the method touched the {kind} images but declares ({self._needs}); "
                f"declare them in Needs(...) if the paper allows it"
            )
        return self._splits[kind]

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        raise DataAccessError(
            f"methods cannot see {name!r}: only retain and forget images that they declare, and "
            f"the request itself"
        )


def _allowed(split: Split, amount: str | None, seed: int) -> Split | None:
    if amount is None or amount == "all":
        return split if amount else None
    number = float(amount.split()[0])
    if not amount.endswith("%"):
        return split.per_class(int(number), seed)
    rarest, count = _rarest(split)
    if round(number / 100 * count) < 1:
        raise ValueError(
            f"{amount} of the {count} {split.kind} images of class {rarest} is not even one; "
            f"at least {50 / count:.2g} % is needed"
        )
    return split.fraction(number / 100, seed)


def _rarest(split: Split) -> tuple[int, int]:
    """The class with the fewest images, and how many it has."""
    classes, counts = split.y.unique(return_counts=True)
    least = counts.argmin()
    return int(classes[least]), int(counts[least])

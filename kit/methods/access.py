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
    """

    retain: str | None = None
    forget: str | None = None

    def __post_init__(self):
        for amount in (self.retain, self.forget):
            if amount not in (None, "all") and not re.fullmatch(r"\d+ (per class|%)", amount):
                raise ValueError(f'cannot read {amount!r}: use None, "all", "N per class" or "P %"')

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
    number = int(amount.split()[0])
    if amount.endswith("%"):
        return split.fraction(number / 100, seed)
    return split.per_class(number, seed)

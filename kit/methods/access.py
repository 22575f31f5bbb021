"""Data access, enforced: a method declares what it needs and is handed only that."""

import math
import re
from dataclasses import dataclass, replace

from torch import Tensor

from kit.datasets.split import Split
from kit.tasks import FeatureTask, ForgetTask


class DataAccessError(PermissionError):
    """A method touched data that it had not declared."""


@dataclass(frozen=True)
class Needs:
    """The training images a method may see after the request; test images are never allowed.

    Each of ``retain``, ``forget`` and ``train`` (all images trained on, not told apart) is None,
    "all", "N per class" or "P %" (of each class, drawn at random with the run's seed). To forget a
    feature a method may need its ``annotations`` of ``train``, or the ``counterfactuals``: the same
    images with the other value, which somebody has to be able to draw. ``validation`` images are
    training images that nobody was trained on.

    Raises
    ------
    ValueError
        an amount that reads otherwise, no images at all, more than 100 %.
    """

    retain: str | None = None
    forget: str | None = None
    train: str | None = None
    annotations: bool = False
    counterfactuals: bool = False
    validation: bool = False

    def __post_init__(self):
        for amount in (self.retain, self.forget, self.train):
            if amount in (None, "all"):
                continue
            read = re.fullmatch(r"(\d+) per class|(\d+\.?\d*) %", amount)
            if not read:
                raise ValueError(f'cannot read {amount!r}: use None, "all", "N per class" or "P %"')
            if float(read[1] or read[2]) == 0 or float(read[2] or 0) > 100:
                raise ValueError(f"{amount!r} must be more than 0, and not more than 100 %")
        if (self.annotations or self.counterfactuals) and not self.train:
            raise ValueError("annotations and counterfactuals are of train: say how much of it")

    def __str__(self):
        said = f"retain: {self.retain or 'nothing'}; forget: {self.forget or 'nothing'}"
        also = [name for name in ("annotations", "counterfactuals") if getattr(self, name)]
        if self.validation:
            said += "; validation"
        if self.train:
            said += f"; train: {' with '.join([self.train, *also])}"
        return said


class TaskView:
    """What a method sees of a ``ForgetTask``: the declared data and the request, nothing else."""

    def __init__(self, task: ForgetTask, needs: Needs, seed: int):
        self.level = task.level
        self.forget_classes = list(task.forget_classes)
        self.retain_classes = sorted(task.retain.y.unique().tolist())
        self.num_classes = task.num_classes
        self.input_shape = tuple(task.data.train_x.shape[1:])
        self._splits = {
            "retain": _allowed(task.retain, needs.retain, seed),
            "forget": _allowed(task.forget, needs.forget, seed),
            "train": _allowed(task.train, needs.train, seed),
        }
        self._needs = needs
        self._validation = task.validation
        self._task = task if isinstance(task, FeatureTask) else None

    @property
    def retain(self) -> Split:
        return self._declared("retain")

    @property
    def forget(self) -> Split:
        return self._declared("forget")

    @property
    def train(self) -> Split:
        return self._declared("train")

    @property
    def validation(self) -> Split:
        """Images that the original was not trained on, of all classes."""
        if not self._needs.validation:
            raise DataAccessError(
                f"the method touched the validation images but declares ({self._needs})"
            )
        if self._validation is None:
            raise ValueError(
                "the method needs images that nobody was trained on; name those that were when "
                "making the task: within=rows"
            )
        return self._validation

    @property
    def annotations(self) -> Tensor:
        """Values of the attributes in the images of ``train``, int64 ``[n, k]``."""
        return self._feature("annotations").annotations[self.train.rows]

    @property
    def counterfactuals(self) -> Split:
        """The images of ``train`` with the other value of every attribute."""
        return replace(self.train, pixels=self._feature("counterfactuals").counterfactuals.pixels)

    def _feature(self, kind: str) -> FeatureTask:
        if not getattr(self._needs, kind):
            raise DataAccessError(f"the method touched {kind} but declares ({self._needs})")
        if self._task is None:
            raise DataAccessError(f"a task of level {self.level!r} has no {kind}")
        return self._task

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
            f"{amount} of the {count} {split.kind} images of class {rarest} is not even one: ask "
            f'for {math.ceil(100 / count)} %, or for "1 per class"'
        )
    return split.fraction(number / 100, seed)


def _rarest(split: Split) -> tuple[int, int]:
    """The class with the fewest images, and how many it has."""
    classes, counts = split.y.unique(return_counts=True)
    least = counts.argmin()
    return int(classes[least]), int(counts[least])

"""``FeatureTask``: forget a feature inside the images, keep images, classes and the task."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from kit.datasets import ImageData
from kit.datasets.annotated import AnnotatedData
from kit.datasets.attributes import ATTRIBUTES
from kit.datasets.split import Split
from kit.tasks.drawing import Drawing
from kit.tasks.requests import Classes, Rows, class_indices, trained_mask
from kit.tasks.task import ForgetTask

# Classes in which the attribute is common: of each pair of classes that are easily confused, one.
COMMON = {
    "fashion-mnist": (0, 3, 4, 5, 9),  # T-shirt, dress, coat, sandal, ankle boot
    "cifar10": (0, 1, 3, 4, 7),  # airplane, automobile, cat, deer, horse
}
SMALLEST = 8  # pixels, for signs of 5 that may stand 2 from the edge


@dataclass(frozen=True, eq=False, repr=False)
class FeatureTask(ForgetTask):
    """One request to forget a feature inside the images.

    ``train`` holds the images as the original was trained on them, the attribute correlated with
    the class. ``retain`` is what retraining sees: the attribute independent of the class; a network
    trained on it is the gold standard for "the feature decides nothing". ``forget`` are the images
    of ``train`` that carry the feature (value 1). All test images are ``test_retain``, the
    attribute independent of the class; ``test_forget`` is None.

    Attributes
    ----------
    attributes
        names of the attributes to forget.
    annotations, retain_annotations, test_annotations
        int64 ``[N, k]``: their values 0 or 1 in every image of ``train.pixels``,
        ``retain.pixels``, ``test.pixels``.
    drawing
        draws the attributes anew; None for photographs, whose attributes are as they are.
    """

    attributes: tuple[str, ...] = ()
    annotations: Tensor = None
    retain_annotations: Tensor = None
    test_annotations: Tensor = None
    drawing: Drawing | None = None

    @property
    def name(self) -> str:
        return "feature:" + "+".join(self.attributes)

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(super().fingerprint.encode())
        for values in (self.annotations, self.retain_annotations, self.test_annotations):
            digest.update(values.numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def train_values(self) -> Tensor:
        """Values in the images of ``train``, int64 ``[n, k]``."""
        return self.annotations[self.train.rows]

    @property
    def retain_values(self) -> Tensor:
        """Values in the images of ``retain``, int64 ``[n, k]``."""
        return self.retain_annotations[self.retain.rows]

    @property
    def test_values(self) -> Tensor:
        """Values in the images of ``test``, int64 ``[n, k]``."""
        return self.test_annotations[self.test.rows]

    @cached_property
    def counterfactuals(self) -> Split:
        """The images of ``train`` with the other value of every attribute, all else equal."""
        pixels = self._drawn.train(1 - self.annotations)
        return replace(self.train, pixels=pixels)

    @cached_property
    def clean(self) -> Split:
        """The images of ``train`` before any attribute was drawn."""
        return replace(self.train, pixels=self._drawn.train_x)

    @cached_property
    def aligned(self) -> Split:
        """Test images whose attribute goes with the class as in training."""
        return self._test(self._drawn.aligned)

    @cached_property
    def reversed(self) -> Split:
        """Test images whose attribute goes with the class the other way round."""
        return self._test(1 - self._drawn.aligned)

    def pairs(self, attribute: int = 0) -> tuple[Split, Split]:
        """All test images with value 0 of an attribute, and with value 1; all else equal."""
        values = self.test_annotations.clone()
        values[:, attribute] = 0
        without = self._test(values)
        values[:, attribute] = 1
        return without, self._test(values)

    def boxes(self, attribute: int = 0) -> Tensor | None:
        """Where the attribute is in the test images, bool ``[n, S, S]``; None if everywhere."""
        return self._drawn.boxes("test", self.attributes[attribute])

    @property
    def _drawn(self) -> Drawing:
        if self.drawing is None:
            raise ValueError(
                f"{self.data.name} has the attribute as photographed: there is neither a "
                f"counterfactual nor a clean image; use an attribute that the kit draws "
                f"({', '.join(ATTRIBUTES)})"
            )
        return self.drawing

    def _test(self, values: Tensor) -> Split:
        return replace(self.test, pixels=self._drawn.test(values))

    @property
    def can_draw(self) -> bool:
        """Whether counterfactual images can be had."""
        return self.drawing is not None


def forget_feature(
    data: ImageData,
    attribute: str | Sequence[str],
    *,
    correlation: float = 0.95,
    common: Classes | None = None,
    within: Rows | None = None,
    seed: int = 0,
) -> FeatureTask:
    """The request to forget an attribute, or several at once.

    Attributes that the kit draws go with the class: P(a = 1) is ``correlation`` for the classes in
    ``common`` and 1 - ``correlation`` for the others, so that a network gains by looking at them.
    For ``AnnotatedData``, such as CelebA, the attributes are its own; ``retain`` is then the
    largest part of ``train`` in which each value is equally frequent in every class.

    Parameters
    ----------
    attribute
        "glyph", "mark", "tint" or "shape" (``kit.datasets.attributes``), or a name of the data's.
    common
        names or indices of classes; by default known for Fashion-MNIST and CIFAR-10; every other
        class of other sets.
    within
        the rows of ``data.train_x`` that were trained on, or a mask; by default all.
    seed
        decides what is drawn into which image.

    Raises
    ------
    ValueError
        an unknown attribute, one twice, one that is constant, a correlation outside (0, 1), images
        into which nothing can be drawn, no image that has the attribute.
    """
    several = isinstance(attribute, Iterable) and not isinstance(attribute, str)
    names = tuple(attribute) if several else (attribute,)
    known = data.attributes if isinstance(data, AnnotatedData) else list(ATTRIBUTES)
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        raise ValueError(
            f"{data.name} has no attribute {', '.join(map(repr, wrong)) or 'of no name'}; choose "
            f"of {', '.join(known)}"
        )
    if len(set(names)) != len(names):
        raise ValueError(f"attribute {names} names one more than once")
    if isinstance(data, AnnotatedData):
        return _photographed(data, names, within, seed)
    if not 0 < correlation < 1:
        raise ValueError(
            f"correlation must lie between 0 and 1, got {correlation}: with the value constant "
            f"within each class nothing could tell the attribute from the class"
        )
    channels, height, width = data.train_x.shape[1:]
    if channels not in (1, 3) or height != width or height < SMALLEST:
        raise ValueError(
            f"attributes are drawn into grey or colour squares of at least {SMALLEST} pixels; "
            f"{data.name} has images of {channels} x {height} x {width}"
        )
    return _drawn(data, names, correlation, common, within, seed)


def _drawn(
    data: ImageData, names: tuple[str, ...], correlation: float, common: Classes | None,
    within: Rows | None, seed: int,
) -> FeatureTask:  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    common = _common(data, common)
    sizes = {"train": len(data.train_y), "test": len(data.test_y)}
    chosen = {
        (part, name): ATTRIBUTES[name].draw(n, data.image_size, generator)
        for part, n in sizes.items()
        for name in names
    }

    def values(y: Tensor, share: float) -> Tensor:
        p = torch.where(torch.isin(y, common), share, 1 - share)
        return (torch.rand(len(y), len(names), generator=generator) < p[:, None]).long()

    biased, shuffled = values(data.train_y, correlation), values(data.train_y, 0.5)
    balanced, aligned = values(data.test_y, 0.5), values(data.test_y, correlation)
    colour = [x.expand(-1, 3, -1, -1) for x in (data.train_x, data.test_x)]
    drawing = Drawing(names, *colour, chosen, aligned)
    _refuse_constant(names, biased)
    rendered = replace(data, train_x=drawing.train(biased), test_x=drawing.test(balanced))
    task = _task(rendered, names, biased, balanced, within, drawing)
    retain = replace(task.train, pixels=drawing.train(shuffled), kind="retain")
    return replace(task, retain=retain, retain_annotations=shuffled)


def _photographed(
    data: AnnotatedData, names: tuple[str, ...], within: Rows | None, seed: int
) -> FeatureTask:
    columns = [data.attributes.index(name) for name in names]
    biased, test = data.train_a[:, columns], data.test_a[:, columns]
    _refuse_constant(names, biased)
    task = _task(data, names, biased, test, within, None)
    codes = (biased * 2 ** torch.arange(len(names))).sum(1)
    order = task.train.rows[
        torch.randperm(len(task.train), generator=torch.Generator().manual_seed(seed))
    ]
    keep = []
    for c in range(data.num_classes):
        groups = [
            order[(data.train_y[order] == c) & (codes[order] == code)]
            for code in range(2 ** len(names))
        ]
        least = min(map(len, groups))
        if least == 0:
            raise ValueError(
                f"in class {data.classes[c]!r} of {data.name} some values of "
                f"{' and '.join(names)} do not occur: there is nothing to retrain on"
            )
        keep += [group[:least] for group in groups]
    rows = torch.cat(keep).sort().values
    return replace(task, retain=replace(task.train, rows=rows, kind="retain"))


def _task(
    data: ImageData, names: tuple[str, ...], values: Tensor, test_values: Tensor,
    within: Rows | None, drawing: Drawing | None,
) -> FeatureTask:  # fmt: skip
    mean, std = data.statistics
    rows = trained_mask(data, within).nonzero().flatten()
    train = Split(data.train_x, data.train_y, rows, mean, std, data.num_classes, "train")
    everything = torch.arange(len(data.test_y))
    test = Split(data.test_x, data.test_y, everything, mean, std, data.num_classes, "test")
    carries = values[rows].bool().all(1)
    if not carries.any():
        raise ValueError(f"no image that was trained on has {' and '.join(names)}")
    return FeatureTask(
        data=data, level="feature", forget_classes=[], train=train,
        forget=replace(train.take(carries), kind="forget"), retain=train, test=test,
        test_forget=None, test_retain=test, attributes=names, annotations=values,
        retain_annotations=values, test_annotations=test_values, drawing=drawing,
    )  # fmt: skip


def _common(data: ImageData, common: Classes | None) -> Tensor:
    if common is None:
        known = [c for name, c in COMMON.items() if data.name.startswith(name)]
        common = known[0] if known else range(0, data.num_classes, 2)
    common = class_indices(data, common, "common")
    if not common:
        raise ValueError(f"common is empty: name at least one class of 0..{data.num_classes - 1}")
    if len(common) == data.num_classes:
        raise ValueError("common names all classes: the attribute would tell nothing of the class")
    return torch.tensor(common)


def _refuse_constant(names: Sequence[str], values: Tensor) -> None:
    constant = [
        name for name, column in zip(names, values.T, strict=True) if len(column.unique()) < 2
    ]
    if constant:
        raise ValueError(
            f"attribute {', '.join(constant)} has the same value in all training images: there is "
            f"nothing to tell apart, hence nothing to forget"
        )

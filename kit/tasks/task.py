"""``ForgetTask``: what is to be forgotten, what is to be kept, what a model is judged on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from kit.datasets import ImageData
from kit.datasets.split import Split

Rows = Sequence[int] | Tensor | None  # of the training images; None: all


@dataclass(frozen=True, eq=False)
class ForgetTask:
    """One request to forget.

    ``train`` is the disjoint union of ``forget`` and ``retain``. The test data are split by the
    same rule where it applies to them: for classes into ``test_forget`` and ``test_retain``; for
    single samples all test images are ``test_retain`` and ``test_forget`` is None. ``validation``
    holds the training images that nobody was trained on, None if there are none.
    """

    data: ImageData
    level: str  # "class", "sample" or "feature"
    forget_classes: list[int]  # classes of the request, [] for samples
    train: Split
    forget: Split
    retain: Split
    test: Split
    test_forget: Split | None
    test_retain: Split
    validation: Split | None = field(default=None, kw_only=True)  # outside of ``within``

    @property
    def num_classes(self) -> int:
        return self.data.num_classes

    @property
    def in_channels(self) -> int:
        return self.data.in_channels

    @property
    def image_size(self) -> int:
        return self.data.image_size

    @property
    def name(self) -> str:
        """Short name for records, e.g. "class:3" or "sample:500"."""
        if self.level == "class":
            return "class:" + "+".join(map(str, self.forget_classes))
        return f"sample:{len(self.forget)}"

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the request: which images are trained on, forgotten, kept and judged on."""
        digest = hashlib.sha256(f"{self.name} of {self.data.fingerprint}".encode())
        for split in (self.train, self.forget, self.retain, self.test_forget, self.test_retain):
            if split is not None:
                digest.update(split.rows.numpy().tobytes())
                digest.update(split.y.numpy().tobytes())
                own = split.pixels is not self.data.train_x and split.pixels is not self.data.test_x
                digest.update((split.fingerprint() if own else "").encode())
        return digest.hexdigest()[:16]

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r} of {self.data!r})"


def forget_classes(
    data: ImageData,
    classes: Sequence[int],
    *,
    forgotten: Sequence[int] = (),
    within: Rows = None,
) -> ForgetTask:
    """The request to forget every image of some classes.

    Parameters
    ----------
    classes
        class indices to forget now.
    forgotten
        classes of earlier requests that were honoured: their images are in no split, so
        that requests can follow one another.
    within
        the rows of ``data.train_x`` that were trained on, where those are not all.

    Raises
    ------
    ValueError
        no class, a class twice, an index that does not exist, or nothing left to keep.
    """
    classes = _checked_classes(data, classes, "classes")
    forgotten = _checked_classes(data, forgotten, "forgotten") if len(forgotten) else []
    if set(classes) & set(forgotten):
        raise ValueError(f"classes {sorted(set(classes) & set(forgotten))} are forgotten already")
    if len(classes) + len(forgotten) == data.num_classes:
        raise ValueError(
            f"forgetting all {data.num_classes} classes leaves nothing to retain; "
            f"leave at least one out"
        )
    here, gone = torch.tensor(classes), torch.tensor(forgotten, dtype=torch.long)
    names = [data.classes[c] for c in classes]
    trained = rows_mask(data, within)

    def divided(part: str, y: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Masks of all images that count, of those to forget and of those to retain."""
        asked, before = torch.isin(y, here), torch.isin(y, gone)
        everything, asked, kept = ~before & seen, asked & seen, ~asked & ~before & seen
        if not asked.any() or not kept.any():
            what = f"of the classes to forget {names}" if not asked.any() else "to retain"
            raise ValueError(f"there are no {part} images {what}")
        return everything, asked, kept

    train, forget, retain = divided("train", data.train_y, trained)
    everywhere = torch.ones_like(data.test_y, dtype=torch.bool)
    test = divided("test", data.test_y, everywhere)
    return _task(data, "class", classes, (train, forget, retain), test, trained)


def forget_samples(
    data: ImageData,
    indices: Sequence[int] | Tensor,
    *,
    within: Rows = None,
) -> ForgetTask:
    """The request to forget single training images.

    Parameters
    ----------
    indices
        rows of ``data.train_x``, in any order.
    within
        the rows that were trained on, where those are not all.

    Raises
    ------
    ValueError
        no index, an index twice, one that does not exist or was not trained on, or all of them.
    """
    indices = torch.as_tensor(indices).long().flatten()
    n = len(data.train_y)
    if len(indices) == 0:
        raise ValueError("there is nothing to forget: indices is empty")
    if indices.min() < 0 or indices.max() >= n:
        raise ValueError(
            f"indices must lie in 0..{n - 1}, got {int(indices.min())}..{int(indices.max())}"
        )
    if len(indices.unique()) != len(indices):
        raise ValueError("indices holds an index more than once")
    asked, trained = rows_mask(data, indices), rows_mask(data, within)
    if (asked & ~trained).any():
        raise ValueError("indices holds images that were not trained on: they are not in within")
    if len(indices) == trained.sum():
        raise ValueError(f"forgetting all {len(indices)} training images leaves nothing to retain")
    everything = torch.ones(len(data.test_y), dtype=torch.bool)
    train = trained, asked, trained & ~asked
    return _task(data, "sample", [], train, (everything, None, everything), trained)


def _task(
    data: ImageData, level: str, classes: list[int], train: tuple[Tensor, Tensor, Tensor],
    test: tuple[Tensor, Tensor | None, Tensor], trained: Tensor,
) -> ForgetTask:  # fmt: skip
    """Masks of all images, of those to forget and of those to retain as the splits of a request."""
    kinds = ("train", "forget", "retain")
    everything, forget, retain = (
        _split(data, "train", mask, kind) for mask, kind in zip(train, kinds, strict=True)
    )
    test, test_forget, test_retain = (
        None if mask is None else _split(data, "test", mask, "test") for mask in test
    )
    return ForgetTask(
        data, level, classes, everything, forget, retain, test, test_forget, test_retain,
        validation=_outside(data, trained),
    )  # fmt: skip


def random_rows(data: ImageData, count: int, seed: int = 0) -> Tensor:
    """Rows of so many training images, drawn at random, int64 ``[count]``.

    Raises
    ------
    ValueError
        no image, or more than there are.
    """
    if not 1 <= count <= len(data.train_y):
        raise ValueError(f"count must lie in 1..{len(data.train_y)} images, got {count}")
    return torch.randperm(len(data.train_y), generator=torch.Generator().manual_seed(seed))[:count]


def rows_mask(data: ImageData, rows: Rows) -> Tensor:
    """Training rows as a mask; None stands for all."""
    mask = torch.full((len(data.train_y),), rows is None)
    if rows is not None:
        mask[torch.as_tensor(rows).long()] = True
    return mask


def _outside(data: ImageData, trained: Tensor) -> Split | None:
    return None if trained.all() else _split(data, "train", ~trained, "validation")


def _split(data: ImageData, part: str, mask: Tensor, kind: str) -> Split:
    pixels, targets = (
        (data.train_x, data.train_y) if part == "train" else (data.test_x, data.test_y)
    )
    mean, std = data.statistics
    rows = mask.nonzero().flatten()
    return Split(pixels, targets, rows, mean, std, data.num_classes, kind)


def _checked_classes(data: ImageData, classes: Sequence[int], argument: str) -> list[int]:
    classes = [int(c) for c in classes]
    allowed = f"0..{data.num_classes - 1}"
    if not classes:
        raise ValueError(f"{argument} is empty: name at least one class of {allowed}")
    wrong = [c for c in classes if not 0 <= c < data.num_classes]
    if wrong:
        raise ValueError(f"{argument} {wrong} do not exist: {data.name} has classes {allowed}")
    if len(set(classes)) != len(classes):
        raise ValueError(f"{argument} {classes} names a class more than once")
    return sorted(classes)

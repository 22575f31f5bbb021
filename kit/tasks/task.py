"""``ForgetTask``: what is to be forgotten, what is to be kept, what a model is judged on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from kit.datasets import ImageData
from kit.datasets.split import Split


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
    within: Sequence[int] | Tensor | None = None,
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
    rows = {}
    trained = rows_mask(data, within)
    for part, y in (("train", data.train_y), ("test", data.test_y)):
        asked, before = torch.isin(y, here), torch.isin(y, gone)
        seen = trained if part == "train" else torch.ones_like(asked)
        rows[part] = ~before & seen, asked & seen, ~asked & ~before & seen
    names = [data.classes[c] for c in classes]
    for part, (_, asked, kept) in rows.items():
        if not asked.any() or not kept.any():
            what = f"of the classes to forget {names}" if not asked.any() else "to retain"
            raise ValueError(f"there are no {part} images {what}")
    (train, forget, retain), (test, test_forget, test_retain) = rows["train"], rows["test"]
    return ForgetTask(
        data=data,
        level="class",
        forget_classes=classes,
        train=_split(data, "train", train, "train"),
        forget=_split(data, "train", forget, "forget"),
        retain=_split(data, "train", retain, "retain"),
        test=_split(data, "test", test, "test"),
        test_forget=_split(data, "test", test_forget, "test"),
        test_retain=_split(data, "test", test_retain, "test"),
        validation=_outside(data, trained),
    )


def forget_samples(
    data: ImageData,
    indices: Sequence[int] | Tensor,
    *,
    within: Sequence[int] | Tensor | None = None,
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
    return ForgetTask(
        data=data,
        level="sample",
        forget_classes=[],
        train=_split(data, "train", trained, "train"),
        forget=_split(data, "train", asked, "forget"),
        retain=_split(data, "train", trained & ~asked, "retain"),
        test=_split(data, "test", everything, "test"),
        test_forget=None,
        test_retain=_split(data, "test", everything, "test"),
        validation=_outside(data, trained),
    )


def random_rows(data: ImageData, count: int, seed: int = 0) -> Tensor:
    """Rows of so many training images, drawn at random, int64 ``[count]``."""
    return torch.randperm(len(data.train_y), generator=torch.Generator().manual_seed(seed))[:count]


def rows_mask(data: ImageData, rows: Sequence[int] | Tensor | None) -> Tensor:
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

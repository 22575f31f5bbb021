"""``ForgetTask``: what is to be forgotten, what is to be kept, what a model is judged on."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral

import torch
from torch import Tensor

from kit.datasets import ImageData
from kit.datasets.split import Split
from kit.tasks.files import Files, file_rows
from kit.tasks.gone import Gone
from kit.tasks.requests import Classes, Rows, class_indices, row_mask, trained_mask


@dataclass(frozen=True, eq=False)
class ForgetTask:
    """One request to forget.

    ``train`` is the disjoint union of ``forget`` and ``retain``. The test data are split by the
    same rule where it applies to them: for classes into ``test_forget`` and ``test_retain``; for
    single samples all test images are ``test_retain`` and ``test_forget`` is None. ``validation``
    holds the training images that nobody was trained on, None if there are none. ``gone`` is what
    earlier requests have taken out.
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
    gone: Gone = field(default=Gone(), kw_only=True)

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

    def then(
        self, *, classes: Classes | None = None, indices: Rows | None = None,
        files: Files | None = None, column: str | None = None,
    ) -> "ForgetTask":  # fmt: skip
        """The next request, put to the network that this one left: what this one has forgotten is
        in no split any more, and what it retained was trained on.

        Give one of ``classes``, ``indices`` and ``files``, as to ``forget_classes``,
        ``forget_samples`` and ``forget_files``.

        Raises
        ------
        ValueError
            none or several of them, an image or a class that is forgotten already, or whatever
            those functions refuse; a request that forgets a feature.
        """
        if self.level == "feature":
            raise ValueError("a request that forgets a feature cannot be followed by another one")
        given = [name for name in (classes, indices, files) if name is not None]
        if len(given) != 1:
            raise ValueError(f"give one of classes, indices and files, got {len(given)}")
        trained = _mask(self.data, self.train.rows)
        now = _mask(self.data, self.forget.rows)
        before = now if self.gone.rows is None else now | self.gone.rows
        gone = Gone((*self.gone.classes, *self.forget_classes), before)
        if classes is not None:
            return request_classes(self.data, classes, gone, trained)
        rows = indices if files is None else file_rows(self.data, files, column)
        return request_samples(self.data, rows, gone, trained)

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r} of {self.data!r})"


def forget_classes(
    data: ImageData,
    classes: Classes,
    *,
    forgotten: Classes = (),
    within: Rows | None = None,
) -> ForgetTask:
    """The request to forget every image of some classes.

    Parameters
    ----------
    classes
        names or indices of the classes to forget now, one or several. A text is a name.
    forgotten
        classes of earlier requests that were honoured: their images are in no split, so
        that requests can follow one another.
    within
        the rows of ``data.train_x`` that were trained on, or a mask; by default all.

    Raises
    ------
    ValueError
        no class, a class twice, one that does not exist, or nothing left to keep.
    """
    gone = Gone(tuple(class_indices(data, forgotten, "forgotten")))
    return request_classes(data, classes, gone, trained_mask(data, within))


def forget_samples(
    data: ImageData,
    indices: Rows,
    *,
    forgotten: Rows = (),
    within: Rows | None = None,
) -> ForgetTask:
    """The request to forget single training images.

    Parameters
    ----------
    indices
        rows of ``data.train_x`` in any order, one or several, or a mask of all.
    forgotten
        rows of earlier requests that were honoured: they are in no split, so that requests can
        follow one another.
    within
        the rows that were trained on, or a mask; by default all.

    Raises
    ------
    ValueError
        no index, an index twice, one that does not exist, was not trained on or is forgotten
        already, or all of them.
    """
    gone = Gone(rows=row_mask(data, forgotten, "forgotten"))
    return request_samples(data, indices, gone, trained_mask(data, within))


def forget_files(
    data: ImageData,
    files: Files,
    *,
    column: str | None = None,
    forgotten: Rows = (),
    within: Rows | None = None,
) -> ForgetTask:
    """The request to forget the training images that were read from some files.

    Parameters
    ----------
    files
        one path or several; the end of a path is enough, as in "cat/IMG_0017.jpg", as long as it
        tells the file from all others. Or patterns, ``customer_37/*``; ``**`` crosses folders.
        Or the request itself: a CSV with a column of files, or a text with one a line.
    column
        of the CSV; by default its only one, or one that is called "file", "path" or the like.
    forgotten, within
        as for ``forget_samples``.

    Raises
    ------
    ValueError
        data that come from no files, a table that cannot be read, files of no training image (all
        are named), a path that fits several, or anything ``forget_samples`` refuses.
    """
    rows = file_rows(data, files, column)
    return forget_samples(data, rows, forgotten=forgotten, within=within)


def request_classes(data: ImageData, classes: Classes, gone: Gone, trained: Tensor) -> ForgetTask:
    """``forget_classes`` after earlier requests; ``trained``: bool ``[n]``."""
    classes = class_indices(data, classes, "classes")
    if not classes:
        raise ValueError(f"classes is empty: name at least one class of 0..{data.num_classes - 1}")
    if set(classes) & set(gone.classes):
        both = [data.classes[c] for c in sorted(set(classes) & set(gone.classes))]
        raise ValueError(f"forgotten already: {', '.join(both)}")
    if len(classes) + len(gone.classes) == data.num_classes:
        raise ValueError(
            f"forgetting all {data.num_classes} classes leaves nothing to retain; "
            f"leave at least one out"
        )
    here = torch.tensor(classes)
    names = [data.classes[c] for c in classes]

    def divided(part: str, y: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Masks of all images that count, of those to forget and of those to retain."""
        asked = torch.isin(y, here) & seen
        kept = seen & ~asked
        if not asked.any() or not kept.any():
            what = f"of the classes to forget {names}" if not asked.any() else "to retain"
            raise ValueError(f"there are no {part} images {what}")
        lacking = [data.classes[c] for c in classes if not (asked & (y == c)).any()]
        if lacking:
            raise ValueError(f"there are no {part} images of {', '.join(lacking)}")
        return seen, asked, kept

    out = gone.train(data)
    train = divided("train", data.train_y, trained & ~out)
    test = divided("test", data.test_y, ~gone.test(data))
    return _task(data, "class", classes, train, test, ~trained & ~out, gone)


def request_samples(data: ImageData, indices: Rows, gone: Gone, trained: Tensor) -> ForgetTask:
    """``forget_samples`` after earlier requests; ``trained``: bool ``[n]``."""
    asked, before = row_mask(data, indices, "indices"), gone.train(data)
    if not asked.any():
        raise ValueError("there is nothing to forget: indices is empty")
    if (asked & before).any():
        raise ValueError("indices holds images that are forgotten already")
    if (asked & ~trained).any():
        raise ValueError("indices holds images that were not trained on: they are not in within")
    here, outside = trained & ~before, ~trained & ~before
    if torch.equal(asked, here):
        raise ValueError(f"forgetting all {int(asked.sum())} images leaves nothing to retain")
    everything = ~gone.test(data)
    train = here, asked, here & ~asked
    return _task(data, "sample", [], train, (everything, None, everything), outside, gone)


def _task(
    data: ImageData, level: str, classes: list[int], train: tuple[Tensor, Tensor, Tensor],
    test: tuple[Tensor, Tensor | None, Tensor], outside: Tensor, gone: Gone,
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
        validation=_split(data, "train", outside, "validation") if outside.any() else None,
        gone=gone,
    )  # fmt: skip


def random_rows(data: ImageData, count: int, seed: int = 0) -> Tensor:
    """Rows of so many training images, drawn at random, int64 ``[count]``.

    Raises
    ------
    ValueError
        no image, more than there are, or a part of one.
    """
    whole = isinstance(count, Integral) and not isinstance(count, bool)
    if not whole or not 1 <= count <= len(data.train_y):
        raise ValueError(f"count must lie in 1..{len(data.train_y)} images, got {count!r}")
    return torch.randperm(len(data.train_y), generator=torch.Generator().manual_seed(seed))[:count]


def _mask(data: ImageData, rows: Tensor) -> Tensor:
    mask = torch.zeros(len(data.train_y), dtype=torch.bool)
    mask[rows] = True
    return mask


def _split(data: ImageData, part: str, mask: Tensor, kind: str) -> Split:
    pixels, targets = (
        (data.train_x, data.train_y) if part == "train" else (data.test_x, data.test_y)
    )
    mean, std = data.statistics
    rows = mask.nonzero().flatten()
    return Split(pixels, targets, rows, mean, std, data.num_classes, kind)

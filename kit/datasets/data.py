"""``ImageData``: one image data set, and the checks every data set must pass."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from kit.datasets.copies import mean_over_areas, taken
from kit.datasets.mapped import chunks, remembered
from kit.datasets.split import draw_from_each
from kit.datasets.statistics import as_statistics, histograms, mean_and_std

CHANNELS = (1, 3, 4)  # grey, colour, colour with alpha


@dataclass(frozen=True, eq=False)
class ImageData:
    """Images as bytes, labels as integers, ready for ``kit.tasks``.

    Parameters
    ----------
    name
        name written into every record.
    train_x, test_x
        uint8 ``[n, channels, height, width]``, values 0 to 255.
    train_y, test_y
        int64 ``[n]``, class indices 0 to ``len(classes) - 1``.
    classes
        class names, each once.
    train_files, test_files
        the file of each image, so that images can be named by them; not part of the fingerprint.
    given_statistics
        mean and standard deviation per channel in [0, 1] in place of those of the training images:
        of the images that a network was trained on.

    Raises
    ------
    ValueError
        images that are not uint8 or not 4-D, have other than 1, 3 or 4 channels or only the values
        0 and 1, labels that do not match the images, class indices out of range, an empty split,
        statistics that are none.
    """

    name: str
    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    classes: list[str]
    train_files: tuple[str, ...] = field(default=(), kw_only=True)
    test_files: tuple[str, ...] = field(default=(), kw_only=True)
    given_statistics: tuple[Tensor, Tensor] | None = field(default=None, kw_only=True)

    def __post_init__(self):
        for part, x, y in (
            ("training", self.train_x, self.train_y),
            ("test", self.test_x, self.test_y),
        ):
            self.check_images(part, x)
            _check_labels(part, y, len(x), self.num_classes)
        _check_names(self.classes)
        if self.train_x.shape[1:] != self.test_x.shape[1:]:
            raise ValueError(
                f"training images have shape {tuple(self.train_x.shape[1:])} but test images "
                f"{tuple(self.test_x.shape[1:])}; both must agree"
            )
        for part, files, y in (
            ("training", self.train_files, self.train_y),
            ("test", self.test_files, self.test_y),
        ):
            if files and len(files) != len(y):
                raise ValueError(f"{len(files)} files for {len(y)} {part} images")
        if self.given_statistics is not None:
            as_statistics(self.given_statistics, self.in_channels)

    @staticmethod
    def check_images(part: str, images: Tensor) -> None:
        """``ValueError`` unless these are pictures as bytes."""
        _check_bytes(part, images)

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def in_channels(self) -> int:
        return self.train_x.shape[1]

    @property
    def image_size(self) -> int:
        """Height of an image in pixels (images are square in all sets of the kit)."""
        return self.train_x.shape[2]

    @cached_property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation per channel of the training images scaled to [0, 1], unless
        others are given; float32 ``[channels]`` each."""
        if self.given_statistics is not None:
            return as_statistics(self.given_statistics, self.in_channels)
        images = [self.train_x]
        counts = remembered(images, "histograms", lambda: histograms(self.train_x).tolist())
        return mean_and_std(torch.tensor(counts))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all images and labels: equal data have equal fingerprints."""
        labels = hashlib.sha256(repr(self.classes).encode())
        for tensor in (self.train_y, self.test_y):
            labels.update(tensor.numpy().tobytes())
        images = [self.train_x, self.test_x]
        return remembered(images, f"fingerprint {labels.hexdigest()}", self._hash)

    def _hash(self) -> str:
        digest = hashlib.sha256(repr(self.classes).encode())
        for x, y in ((self.train_x, self.train_y), (self.test_x, self.test_y)):
            for part in chain(chunks(x, "hashing pixels"), [y]):
                digest.update(np.ascontiguousarray(part.numpy()).data)
        return digest.hexdigest()[:16]

    def held_out(self, share: float = 0.1, seed: int = 0) -> "ImageData":
        """A data set of the training images alone: this share of each class stands in for the
        test images. Choose settings on it; the test images then have told nobody anything.

        Raises
        ------
        ValueError
            a share that leaves no image on either side.
        """
        out = torch.zeros(len(self.train_y), dtype=torch.bool)
        out[self._drawn(share, seed)] = True
        if not out.any() or out.all():
            raise ValueError(f"holding out a share of {share} leaves no image on one side")
        return replace(
            self, name=f"{self.name}-held-out", **self._training("train", ~out),
            **self._training("test", out), train_files=_some(self.train_files, ~out),
            test_files=_some(self.train_files, out),
        )  # fmt: skip

    def thinned(self, share: float, seed: int = 0) -> "ImageData":
        """The same data set with this share of each class's training images, for what would take
        too long on all of them; the name says how many are left, the test images all stay.

        Raises
        ------
        ValueError
            a share of 0 or less, above 1, or so small that no image is left.
        """
        if not 0 < share <= 1:
            raise ValueError(f"keep a share of the images between 0 and 1, got {share}")
        kept = self._drawn(share, seed)
        return replace(
            self, name=f"{self.name}-{len(kept)}", **self._training("train", kept),
            train_files=_some(self.train_files, kept),
        )  # fmt: skip

    def resized(self, side: int) -> "ImageData":
        """The same images, uint8 ``[n, channels, side, side]``, each pixel the mean of the area it
        covers; the name says so.

        Raises
        ------
        ValueError
            a side that is no whole number, more pixels than there are, or none; pictures that are
            no squares.
        """
        height, width = self.train_x.shape[2:]
        if height != width:
            raise ValueError(
                f"pictures of {width} x {height} pixels would be squashed: cut squares first"
            )
        if not isinstance(side, Integral) or isinstance(side, bool):
            raise ValueError(f"a side is a whole number of pixels, got {side!r}")
        if not 0 < side <= height:
            raise ValueError(
                f"images of {height} pixels cannot be made {side} wide: a side is 1 to {height} "
                f"pixels, not larger"
            )
        train_x, test_x = (mean_over_areas(x, int(side)) for x in (self.train_x, self.test_x))
        return replace(self, name=f"{self.name}-{side}px", train_x=train_x, test_x=test_x)

    def _training(self, part: str, rows: Tensor) -> dict[str, Tensor]:
        """The training images in these rows as the fields of a part, "train" or "test"."""
        return {f"{part}_x": taken(self.train_x, rows), f"{part}_y": self.train_y[rows]}

    def _drawn(self, share: float, seed: int) -> Tensor:
        """Rows of this share of each class's training images."""
        return draw_from_each(self.train_y, lambda n: round(share * n), seed)

    def __repr__(self):
        shape = "x".join(map(str, self.train_x.shape[1:]))
        return (
            f"ImageData({self.name!r}: {len(self.train_y):,} training and {len(self.test_y):,} "
            f"test images of {shape}, {self.num_classes} classes)"
        )


def _check_bytes(part: str, images: Tensor) -> None:
    shape = tuple(images.shape)
    if not isinstance(images, Tensor) or images.dtype != torch.uint8 or images.dim() != 4:
        hint = "; x[:, None] gives grey images their channel" if len(shape) == 3 else ""
        raise ValueError(
            f"{part} images must be uint8 [n, channels, height, width], got "
            f"{type(images).__name__} of {images.dtype} {shape}; kit.datasets.from_tensors "
            f"converts arrays, and floats in [0, 1]{hint}"
        )
    if images.numel() == 0:
        raise ValueError(f"there are no {part} images in a tensor of shape {shape}")
    if images.shape[1] not in CHANNELS:
        last = images.shape[3] in CHANNELS
        hint = "; they have their channels last: permute them by (0, 3, 1, 2)" if last else ""
        raise ValueError(
            f"{part} images [n, channels, height, width] must have 1, 3 or 4 channels, got shape "
            f"{shape}{hint}"
        )
    if _largest(images) == 1:
        raise ValueError(
            f"the largest value of the {part} images is 1 of 255: were they divided before they "
            f"became bytes? Give bytes up to 255, or floats in [0, 1] to kit.datasets.from_tensors"
        )


def _largest(images: Tensor) -> int:
    """The largest value; of images that are more than 0 and 1, one that is larger than 1."""
    most = 0
    for some in chunks(images):
        if (most := max(most, int(some.max()))) > 1:  # of a file the rest is not read
            break
    return most


def _check_labels(part: str, labels: Tensor, count: int, num_classes: int) -> None:
    if labels.dtype != torch.int64 or labels.shape != (count,):
        raise ValueError(
            f"{part} labels must be int64 [n] with one label per image: {count} images, "
            f"labels {labels.dtype} {tuple(labels.shape)}"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise ValueError(
            f"{part} labels must lie in 0..{num_classes - 1} ({num_classes} classes), "
            f"found {low}..{high}"
        )


def _check_names(classes: Sequence[str]) -> None:
    """A request by name must mean one class."""
    counts = Counter(unicodedata.normalize("NFC", str(name)) for name in classes)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"several classes are called {', '.join(map(repr, twice[:5]))}")


def _some(files: tuple[str, ...], rows: Tensor) -> tuple[str, ...]:
    if not files:
        return ()
    return tuple(files[row] for row in torch.arange(len(files))[rows].tolist())

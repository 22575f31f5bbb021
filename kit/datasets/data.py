"""``ImageData``: one image data set in memory, and the checks every data set must pass."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kit.datasets.split import draw_from_each


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
        class names.

    Raises
    ------
    ValueError
        images that are not uint8 or not 4-D, labels that do not match the images,
        class indices out of range, an empty split.
    """

    name: str
    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    classes: list[str]

    def __post_init__(self):
        _check("training", self.train_x, self.train_y, self.classes)
        _check("test", self.test_x, self.test_y, self.classes)
        if self.train_x.shape[1:] != self.test_x.shape[1:]:
            raise ValueError(
                f"training images have shape {tuple(self.train_x.shape[1:])} but test images "
                f"{tuple(self.test_x.shape[1:])}; both must agree"
            )

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
        """Mean and standard deviation per channel of the training images scaled to [0, 1]."""
        histograms = [
            torch.bincount(self.train_x[:, c].flatten(), minlength=256).double()
            for c in range(self.in_channels)
        ]
        values = torch.arange(256, dtype=torch.float64) / 255
        counts = torch.stack(histograms) / histograms[0].sum()  # [channels, 256], rows sum to 1
        mean = counts @ values
        variance = (counts * (values - mean[:, None]) ** 2).sum(1)
        return mean.float(), variance.sqrt().clamp_min(1e-3).float()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all images and labels: equal data have equal fingerprints."""
        digest = hashlib.sha256(repr(self.classes).encode())
        for tensor in (self.train_x, self.train_y, self.test_x, self.test_y):
            digest.update(np.ascontiguousarray(tensor.numpy()).data)
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
        x, y = self.train_x, self.train_y
        name = f"{self.name}-held-out"
        return ImageData(name, x[~out], y[~out], x[out], y[out], self.classes)

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
        return ImageData(
            f"{self.name}-{len(kept)}", self.train_x[kept], self.train_y[kept],
            self.test_x, self.test_y, self.classes,
        )  # fmt: skip

    def _drawn(self, share: float, seed: int) -> Tensor:
        """Rows of this share of each class's training images."""
        return draw_from_each(self.train_y, lambda n: round(share * n), seed)

    def __repr__(self):
        shape = "x".join(map(str, self.train_x.shape[1:]))
        return (
            f"ImageData({self.name!r}: {len(self.train_y):,} training and {len(self.test_y):,} "
            f"test images of {shape}, {self.num_classes} classes)"
        )


def from_tensors(
    name: str,
    train_x: ArrayLike,
    train_y: ArrayLike,
    test_x: ArrayLike,
    test_y: ArrayLike,
    classes: Sequence[str] | None = None,
) -> ImageData:
    """Make a data set of your own tensors.

    Parameters
    ----------
    train_x, test_x
        uint8 0..255 or floating point 0..1, ``[n, channels, height, width]``.
    train_y, test_y
        integers ``[n]``.
    classes
        class names; by default "0", "1", ... up to the largest label.

    Raises
    ------
    ValueError
        NaN or out-of-range images, or anything ``ImageData`` refuses.
    """
    train_y, test_y = torch.as_tensor(train_y), torch.as_tensor(test_y)
    if classes is None:
        classes = [str(c) for c in range(int(max(train_y.max(), test_y.max())) + 1)]
    return ImageData(
        name,
        _to_bytes(torch.as_tensor(train_x), "training"),
        train_y.long(),
        _to_bytes(torch.as_tensor(test_x), "test"),
        test_y.long(),
        list(classes),
    )


def _to_bytes(images: Tensor, part: str) -> Tensor:
    if not images.is_floating_point():
        return images
    if not torch.isfinite(images).all():
        bad = int((~torch.isfinite(images)).flatten(1).any(1).sum())
        raise ValueError(f"{bad} of the {part} images contain NaN or infinite values")
    if images.numel() and (images.min() < 0 or images.max() > 1):
        raise ValueError(
            f"floating-point {part} images must lie in [0, 1], found "
            f"[{images.min():.3g}, {images.max():.3g}]; divide by 255 or pass uint8"
        )
    return (images * 255).round().to(torch.uint8)


def _check(part: str, images: Tensor, labels: Tensor, classes: list[str]) -> None:
    if images.dtype != torch.uint8 or images.dim() != 4:
        raise ValueError(
            f"{part} images must be uint8 [n, channels, height, width], got {images.dtype} "
            f"{tuple(images.shape)}; kit.datasets.from_tensors converts floats in [0, 1]"
        )
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{part} labels must be int64 [n] with one label per image: {len(images)} images, "
            f"labels {labels.dtype} {tuple(labels.shape)}"
        )
    if len(images) == 0:
        raise ValueError(f"there are no {part} images")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(classes):
        raise ValueError(
            f"{part} labels must lie in 0..{len(classes) - 1} ({len(classes)} classes), "
            f"found {low}..{high}"
        )

"""A data set of your own arrays or tensors."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kit.datasets.data import ImageData

MOST_CLASSES = 1_000_000  # a label beyond is the number of something else


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
        integers 0..255 or floating point 0..1, ``[n, channels, height, width]``.
    train_y, test_y
        integers ``[n]``.
    classes
        class names; by default "0", "1", ... up to the largest label.

    Raises
    ------
    ValueError
        NaN or out-of-range images, integers of 0 and 1 only, labels that are no whole numbers, or
        anything ``ImageData`` refuses.
    """
    train_y, test_y = _to_labels(train_y, "training"), _to_labels(test_y, "test")
    if classes is None:
        classes = numbered(torch.cat([train_y, test_y]))
    elif isinstance(classes, str | Mapping):
        raise ValueError(f"classes must be a list of names, got {classes!r:.60}")
    train_x, test_x = _to_bytes(train_x, "training"), _to_bytes(test_x, "test")
    return ImageData(name, train_x, train_y, test_x, test_y, list(classes))


def _to_bytes(images: ArrayLike, part: str) -> Tensor:
    images = _to_tensor(images, f"{part} images")
    if images.dtype == torch.uint8 or images.dim() != 4 or images.numel() == 0:
        return images.to(torch.uint8)  # ImageData refuses what is no set of images
    floats = images.is_floating_point()
    if floats and not torch.isfinite(images).all():
        bad = int((~torch.isfinite(images)).flatten(1).any(1).sum())
        raise ValueError(f"{bad} of the {part} images contain NaN or infinite values")
    low, high, most = images.min().item(), images.max().item(), 1 if floats else 255
    if low < 0 or high > most:
        kind = "floating-point" if floats else "whole-number"
        raise ValueError(
            f"{kind} {part} images must lie in [0, {most}], found [{low:.3g}, {high:.3g}]; divide "
            f"by the largest value that a pixel can have: 255 of 8 bits, 65535 of 16"
        )
    return (images * 255).round().to(torch.uint8) if floats else images.to(torch.uint8)


def _to_labels(labels: ArrayLike, part: str) -> Tensor:
    labels = _to_tensor(labels, f"{part} labels")
    whole = not labels.is_floating_point() and labels.dtype != torch.bool
    if labels.dim() != 1 or labels.numel() and not whole:
        column = labels.dim() == 2 and labels.shape[1] == 1
        hint = "take the column, y[:, 0]" if column else "of soft labels take the argmax"
        raise ValueError(
            f"{part} labels must be whole numbers [n], got {labels.dtype} {tuple(labels.shape)}; "
            f"{hint}"
        )
    return labels.long()


def _to_tensor(values: ArrayLike, what: str) -> Tensor:
    """A tensor of the same numbers, of a type that torch calculates with."""
    if not isinstance(values, Tensor):
        try:
            values = np.asarray(values)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what} are no array: {error}") from error
        kind, size = values.dtype.kind, min(values.dtype.itemsize, 8)
        if kind not in "buif":
            raise ValueError(f"{what} must be numbers, got {values.dtype} {values.shape}")
        values = torch.from_numpy(np.array(values, f"{kind}{size}"))
    if values.is_complex():
        raise ValueError(f"{what} must be numbers, got {values.dtype} {tuple(values.shape)}")
    wide = values.dtype in (torch.uint16, torch.uint32, torch.uint64)
    return (values.long() if wide else values).detach().cpu()


def numbered(labels: Tensor) -> list[str]:
    """The names "0", "1", ... up to the largest label."""
    most = int(labels.max()) if len(labels) else -1
    if most >= MOST_CLASSES:
        raise ValueError(f"label {most} is no class: number the classes from 0, or pass classes=")
    return [str(c) for c in range(most + 1)]

"""Copies of images: some of them, or smaller ones. Copies of a file that are large go to a file."""

import hashlib
from collections.abc import Callable
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from kit.datasets import store
from kit.datasets.mapped import Mapped


def taken(images: Tensor, rows: Tensor) -> Tensor:
    """The images in these rows, indices or a mask."""
    if not isinstance(images, Mapped):
        return images[rows]
    rows = torch.arange(len(images))[rows]
    shape = tuple(images.shape[1:])
    if _fits(len(rows), shape):
        return images[rows]
    which = hashlib.sha256(rows.numpy()).hexdigest()
    return _in_a_file(images, which, len(rows), shape, lambda at: images[rows[at]])


def mean_over_areas(images: Tensor, side: int) -> Tensor:
    """Each image as ``side`` x ``side`` pixels, each the mean of the area it covers."""
    shape = (images.shape[1], side, side)
    if isinstance(images, Mapped) and not _fits(len(images), shape):
        return _in_a_file(
            images, f"{side}px", len(images), shape, lambda at: _smaller(images[at], side)
        )
    return torch.cat([_smaller(part, side) for part in images.split(1000)])


def _smaller(images: Tensor, side: int) -> Tensor:
    return F.adaptive_avg_pool2d(images.float(), side).round().to(torch.uint8)


def _fits(count: int, shape: tuple[int, ...]) -> bool:
    return count * prod(shape) <= store.IN_MEMORY


def _in_a_file(
    images: Mapped, what: str, count: int, shape: tuple[int, ...], read: Callable[[int], Tensor]
) -> Mapped:
    """Pictures made of others, in a file of their own."""
    source = [images.file.parent.name, images.start, *images.shape]
    made = store.Pictures(store.place(source, what), count, shape, read)
    made.made()
    return made.part(0, count)

"""Images in batches: how many pass at once, and in which order."""

from collections.abc import Iterator

import torch
from torch import Tensor

from kit.datasets.split import Split
from kit.runtime.device import device

BATCH = 250  # images that pass at once where nothing is trained, unless they are large
PIXELS = 2**21  # that pass at once on a CPU; a GPU takes eight times as many


def at_once(split: Split, most: int) -> int:
    """How many images of a split may pass together: ``most``, or fewer where they are large."""
    pixels = PIXELS if device().type == "cpu" else 8 * PIXELS
    return max(1, min(most, pixels // split.pixels[0, 0].numel()))


def batches(split: Split, size: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs ``[B, C, H, W]`` and labels ``[B]`` of a split in its order, on the device; one batch
    at a time is made of floats."""
    where = device()
    for positions in torch.arange(len(split)).split(size or at_once(split, BATCH)):
        part = split.take(positions)
        yield part.inputs().to(where), part.y.to(where)


def cut(order: Tensor, batch_size: int) -> list[Tensor]:
    """Row numbers in batches; a last batch of one image, on which BatchNorm cannot train, joins the
    one before."""
    batches = list(order.split(batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches

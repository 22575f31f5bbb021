"""Toy images, learnt in a second: what contracts and tests run on."""

import torch

from kit.datasets.arrays import from_tensors
from kit.datasets.data import ImageData


def toy_data(
    per_class: int = 60, num_classes: int = 4, size: int = 12, signal: float = 0.4
) -> ImageData:
    """Noisy grey images with one bright quadrant per class.

    Parameters
    ----------
    per_class
        training images; there are 20 test images of each class.
    num_classes
        at most 4.
    size
        pixels of a side.
    signal
        how much brighter the quadrant is, of 1; at 0.06 the classes are hard to tell apart.
    """
    generator = torch.Generator().manual_seed(0)
    parts = []
    for count in (per_class, 20):
        y = torch.arange(num_classes).repeat_interleave(count)
        x = torch.rand(len(y), 1, size, size, generator=generator) * 0.5
        half = size // 2
        for c in range(num_classes):
            row, column = divmod(c, 2)
            rows, columns = (slice(k * half, (k + 1) * half) for k in (row, column))
            x[y == c, :, rows, columns] += signal
        parts += [x, y]
    return from_tensors("toy", *parts)

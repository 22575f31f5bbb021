"""What the pixels of a data set are normalised by."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kit.datasets.mapped import chunks


def histograms(images: Tensor) -> Tensor:
    """How often each value occurs in each channel of uint8 images, int64 ``[channels, 256]``."""
    counts = torch.zeros(images.shape[1], 256, dtype=torch.int64)
    for some in chunks(images, "counting pixel values"):
        for channel, values in enumerate(some.unbind(1)):
            counts[channel] += torch.bincount(values.flatten(), minlength=256)
    return counts


def mean_and_std(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per channel, float32 ``[channels]``, of values scaled to [0, 1]
    that occur this often, int64 ``[channels, 256]``."""
    values = torch.arange(256, dtype=torch.float64) / 255
    shares = counts.double() / counts[0].sum()  # [channels, 256], rows sum to 1
    mean = shares @ values
    variance = (shares * (values - mean[:, None]) ** 2).sum(1)
    return mean.float(), variance.sqrt().clamp_min(1e-3).float()


def as_statistics(given: Sequence, channels: int) -> tuple[Tensor, Tensor]:
    """A mean and a standard deviation, a number for each channel, as two tensors.

    Raises
    ------
    ValueError
        other than two of them, of another length, not in [0, 1], a deviation of 0.
    """
    try:
        mean, std = (torch.as_tensor(part, dtype=torch.float32).cpu() for part in given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"statistics must be a mean and a standard deviation, each a number per channel; got "
            f"{given!r:.80}"
        ) from error
    for name, part in (("mean", mean), ("standard deviation", std)):
        if part.shape != (channels,):
            raise ValueError(
                f"statistics need a {name} for each of {channels} channels, got {tuple(part.shape)}"
            )
        if not all(math.isfinite(value) and 0 <= value <= 1 for value in part.tolist()):
            raise ValueError(
                f"the {name} must lie in [0, 1], got {part.tolist()}; divide statistics of values "
                f"up to 255 by 255"
            )
    if not (std > 0).all():
        raise ValueError(f"a standard deviation must be above 0, got {std.tolist()}")
    return mean, std

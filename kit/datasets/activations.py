"""``Activations``: what a frozen network makes of images, in the place of the images."""

from dataclasses import dataclass

import torch
from torch import Tensor

from kit.datasets.data import ImageData


@dataclass(frozen=True, eq=False, repr=False)
class Activations(ImageData):
    """Maps of a layer, as data for the layers above it: see ``kit.activations``.

    Parameters
    ----------
    train_x, test_x
        float32 ``[n, channels, height, width]``, taken as they are: nothing is normalised.

    Raises
    ------
    ValueError
        as ``ImageData``; maps that are not float32 and 4-D, or not finite.
    """

    @property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean 0 and deviation 1: as if the maps were normalised already."""
        return torch.zeros(self.in_channels), torch.ones(self.in_channels)

    def resized(self, side: int) -> "Activations":
        raise ValueError("activations have no other size: resize the images below them")

    @staticmethod
    def check_images(part: str, images: Tensor) -> None:
        if images.dtype != torch.float32 or images.dim() != 4 or not images.numel():
            raise ValueError(
                f"{part} activations must be float32 [n, channels, height, width], got "
                f"{images.dtype} {tuple(images.shape)}"
            )
        if not torch.isfinite(images).all():
            raise ValueError(f"the {part} activations contain NaN or infinite values")

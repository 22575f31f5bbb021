"""``Activations``: what a frozen network makes of images, in the place of the images."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

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
    source
        what they were made of: the images, the frozen layers. It stands in the fingerprint for
        the maps themselves, whose last digits differ from machine to machine.

    Raises
    ------
    ValueError
        as ``ImageData``; maps that are not float32 and 4-D, or not finite.
    """

    source: str = field(default="", kw_only=True)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the source and the labels; without a source, of all maps and labels."""
        if not self.source:
            return super().fingerprint
        digest = hashlib.sha256(f"{self.source}{self.classes}{tuple(self.train_x.shape)}".encode())
        digest.update(self.train_y.numpy().tobytes() + self.test_y.numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean 0 and deviation 1: as if the maps were normalised already."""
        return torch.zeros(self.in_channels), torch.ones(self.in_channels)

    def held_out(self, share: float = 0.1, seed: int = 0) -> "Activations":
        return self._told(super().held_out(share, seed), f"held out {share} {seed}")

    def thinned(self, share: float, seed: int = 0) -> "Activations":
        return self._told(super().thinned(share, seed), f"thinned {share} {seed}")

    def _told(self, fewer: "Activations", how: str) -> "Activations":
        return replace(fewer, source=f"{self.source} {how}" if self.source else "")

    def resized(self, side: int) -> "Activations":
        raise ValueError("activations have no other size: resize the images below them")

    def __repr__(self):
        shape = "x".join(map(str, self.train_x.shape[1:]))
        return (
            f"Activations({self.name!r}: {len(self.train_y):,} training and {len(self.test_y):,} "
            f"test maps of {shape}, {self.num_classes} classes)"
        )

    @staticmethod
    def check_images(part: str, images: Tensor) -> None:
        if images.dtype != torch.float32 or images.dim() != 4 or not images.numel():
            raise ValueError(
                f"{part} activations must be float32 [n, channels, height, width], got "
                f"{images.dtype} {tuple(images.shape)}"
            )
        if not torch.isfinite(images).all():
            raise ValueError(f"the {part} activations contain NaN or infinite values")

"""Random crop, flip and cutout of a whole batch at once, on the device of the batch."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from kit.datasets import Activations, ImageData


@dataclass(frozen=True)
class Augment:
    """Which augmentations to draw anew for every image and epoch.

    ``crop``: pixels of reflected padding around the image before a random crop, 0 for none;
    ``flip``: mirror left-right with probability 1/2; ``cutout``: side in pixels of a square set to
    the mean, 0 for none; ``affine``: strength of a random rotation, scaling, shear and shift, in
    units of the image (0.1: about 6 degrees, 10 %, 5 % of the width), 0 for none.
    """

    crop: int = 0
    flip: bool = False
    cutout: int = 0
    affine: float = 0.0

    def __call__(self, x: Tensor, generator: Generator) -> Tensor:
        """Augment normalised images ``[B, C, H, W]``; ``generator`` lives on their device."""
        if self.affine:
            x = random_affine(x, self.affine, generator)
        if self.crop:
            x = random_crop(x, self.crop, generator)
        if self.flip:
            x = random_flip(x, generator)
        if self.cutout:
            x = random_cutout(x, self.cutout, generator)
        return x


def refuse_maps(data: ImageData, augment: Augment) -> None:
    """``ValueError`` where maps of a layer would be augmented: a shifted or mirrored map is not the
    map of a shifted or mirrored image."""
    if isinstance(data, Activations) and augment != Augment():
        raise ValueError(
            f"{augment} is for images, not for the activations of {data.name}: train with "
            f"dataclasses.replace(recipe, augment=Augment()), or without kit.activations"
        )


def random_crop(x: Tensor, padding: int, generator: Generator) -> Tensor:
    """Reflect-pad by ``padding`` pixels, then cut the original size at a random place."""
    b, _, height, width = x.shape
    if padding >= min(height, width):
        raise ValueError(f"crop of {padding} pixels is too much for images of {height} x {width}")
    padded = F.pad(x, (padding,) * 4, mode="reflect")
    down, right = torch.randint(2 * padding + 1, (2, b, 1), generator=generator, device=x.device)
    rows = down + torch.arange(height, device=x.device)  # [B, H]
    cols = right + torch.arange(width, device=x.device)  # [B, W]
    image = torch.arange(b, device=x.device)[:, None, None]
    # Advanced indices around the channel slice put the channels last: [B, H, W, C].
    return padded[image, :, rows[:, :, None], cols[:, None, :]].permute(0, 3, 1, 2)


def random_flip(x: Tensor, generator: Generator) -> Tensor:
    """Mirror each image left-right with probability 1/2."""
    mirror = torch.rand(len(x), generator=generator, device=x.device) < 0.5
    return torch.where(mirror[:, None, None, None], x.flip(3), x)


def random_cutout(x: Tensor, side: int, generator: Generator) -> Tensor:
    """Set a square of ``side`` pixels at a random place to 0, the mean of normalised images."""
    b, _, height, width = x.shape
    if side > min(height, width):
        raise ValueError(f"cutout of {side} pixels is larger than images of {height} x {width}")
    room = max(height, width) - side + 1  # one draw for both sides
    down, right = torch.randint(room, (2, b, 1), generator=generator, device=x.device)
    rows = _strip(down * (height - side + 1) // room, side, height)
    cols = _strip(right * (width - side + 1) // room, side, width)
    return x.masked_fill((rows[:, :, None] & cols[:, None, :])[:, None], 0.0)


def _strip(corner: Tensor, side: int, length: int) -> Tensor:
    """``side`` neighbouring pixels of ``length`` from each corner ``[B, 1]`` on, bool."""
    pixel = torch.arange(length, device=corner.device)
    return (corner <= pixel) & (pixel < corner + side)


def random_affine(x: Tensor, strength: float, generator: Generator) -> Tensor:
    """Apply a random linear map (identity plus uniform noise) and shift to each image."""
    noise = torch.rand(len(x), 2, 3, generator=generator, device=x.device) * 2 - 1
    identity = torch.eye(2, 3, device=x.device)
    grid = F.affine_grid(identity + strength * noise, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

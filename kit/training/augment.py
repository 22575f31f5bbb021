"""Random crop, flip and cutout of a whole batch at once, on the device of the batch."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


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
        """Augment normalised images ``[B, C, S, S]``; ``generator`` lives on their device."""
        if self.affine:
            x = random_affine(x, self.affine, generator)
        if self.crop:
            x = random_crop(x, self.crop, generator)
        if self.flip:
            x = random_flip(x, generator)
        if self.cutout:
            x = random_cutout(x, self.cutout, generator)
        return x


def random_crop(x: Tensor, padding: int, generator: Generator) -> Tensor:
    """Reflect-pad by ``padding`` pixels, then cut the original size at a random place."""
    b, _, size, _ = x.shape
    padded = F.pad(x, (padding,) * 4, mode="reflect")
    shift = torch.randint(2 * padding + 1, (2, b, 1), generator=generator, device=x.device)
    rows, cols = shift + torch.arange(size, device=x.device)  # each [B, S]
    image = torch.arange(b, device=x.device)[:, None, None]
    # Advanced indices around the channel slice put the channels last: [B, S, S, C].
    return padded[image, :, rows[:, :, None], cols[:, None, :]].permute(0, 3, 1, 2)


def random_flip(x: Tensor, generator: Generator) -> Tensor:
    """Mirror each image left-right with probability 1/2."""
    mirror = torch.rand(len(x), generator=generator, device=x.device) < 0.5
    return torch.where(mirror[:, None, None, None], x.flip(3), x)


def random_cutout(x: Tensor, side: int, generator: Generator) -> Tensor:
    """Set a square of ``side`` pixels at a random place to 0, the mean of normalised images."""
    b, _, size, _ = x.shape
    corner = torch.randint(size - side + 1, (2, b, 1), generator=generator, device=x.device)
    pixel = torch.arange(size, device=x.device)
    rows, cols = (corner <= pixel) & (pixel < corner + side)  # each [B, S]
    return x.masked_fill((rows[:, :, None] & cols[:, None, :])[:, None], 0.0)


def random_affine(x: Tensor, strength: float, generator: Generator) -> Tensor:
    """Apply a random linear map (identity plus uniform noise) and shift to each image."""
    noise = torch.rand(len(x), 2, 3, generator=generator, device=x.device) * 2 - 1
    identity = torch.eye(2, 3, device=x.device)
    grid = F.affine_grid(identity + strength * noise, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

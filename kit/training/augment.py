"""Random crops, flips, colours and holes of a whole batch at once, on the device of the batch."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from kit.datasets import Activations, ImageData

TRIES = 10  # draws of a crop, as many as torchvision's


@dataclass(frozen=True)
class Augment:
    """Which augmentations to draw anew for every image and epoch.

    ``crop``: pixels of reflected padding around the image before a random crop, 0 for none;
    ``flip``: mirror left-right with probability 1/2; ``cutout``: side in pixels of a square set to
    the mean, 0 for none; ``affine``: strength of a random rotation, scaling, shear and shift, in
    units of the image (0.1: about 6 degrees, 10 %, 5 % of the width), 0 for none. For photographs:
    ``resized_crop``: the smallest share of the area that is cut out and enlarged (0.35, say), 0 for
    none; ``jitter``: brightness, contrast and saturation by a factor of 1 +- so much, 0 for none.
    """

    crop: int = 0
    flip: bool = False
    cutout: int = 0
    affine: float = 0.0
    resized_crop: float = 0.0
    jitter: float = 0.0

    def __post_init__(self):
        for name in ("resized_crop", "jitter"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")

    def __call__(
        self, x: Tensor, generator: Generator, mean: Tensor | None = None, std: Tensor | None = None
    ) -> Tensor:
        """Augment normalised images ``[B, C, H, W]``; ``generator`` lives on their device.

        ``mean`` and ``std``, ``[C]``, are what they were normalised by; ``jitter`` needs them.
        """
        if self.resized_crop:
            x = random_resized_crop(x, self.resized_crop, generator)
        if self.affine:
            x = random_affine(x, self.affine, generator)
        if self.crop:
            x = random_crop(x, self.crop, generator)
        if self.flip:
            x = random_flip(x, generator)
        if self.jitter:
            x = random_colours(x, self.jitter, generator, mean, std)
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


def random_resized_crop(x: Tensor, smallest: float, generator: Generator) -> Tensor:
    """Cut a random part out of each image and enlarge it to the whole size, bilinearly.

    As torchvision's ``RandomResizedCrop``: a share of the area from ``smallest`` to 1, a ratio of
    width and height from 3/4 to 4/3 (uniform in its logarithm), the first of ten draws that fits
    into the image, else all of it.
    """
    b, height, width = len(x), x.shape[2], x.shape[3]
    area, ratio, right, down = torch.rand(4, b, TRIES, generator=generator, device=x.device)
    area = smallest + (1 - smallest) * area
    ratio = torch.exp((2 * ratio - 1) * math.log(4 / 3)) * height / width
    wide, high = (area * ratio).sqrt(), (area / ratio).sqrt()  # shares of the sides
    fits = (wide <= 1) & (high <= 1)
    first = fits.int().argmax(1, keepdim=True)
    some = fits.any(1, keepdim=True)
    wide, high = (torch.where(some, v.gather(1, first), 1.0).flatten() for v in (wide, high))
    right, down = (v.gather(1, first).flatten() for v in (right, down))
    zero = torch.zeros_like(wide)
    # In units where the image reaches from -1 to 1.
    theta = torch.stack([
        torch.stack([wide, zero, (2 * right - 1) * (1 - wide)], 1),
        torch.stack([zero, high, (2 * down - 1) * (1 - high)], 1),
    ], 1)  # fmt: skip
    grid = F.affine_grid(theta.to(x), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def random_colours(
    x: Tensor, strength: float, generator: Generator, mean: Tensor | None, std: Tensor | None
) -> Tensor:
    """Change brightness, then contrast, then saturation of each image, each by a random factor.

    Raises
    ------
    ValueError
        it is not said what the images were normalised by.
    """
    if mean is None or std is None:
        raise ValueError("jitter needs the mean and std that the images were normalised by")
    factors = 1 + strength * (2 * torch.rand(3, len(x), generator=generator, device=x.device) - 1)
    brightness, contrast, saturation = factors.to(x)[:, :, None, None, None]
    mean, std = (v.to(x).view(1, -1, 1, 1) for v in (mean, std))
    pixels = ((x * std + mean) * brightness).clamp(0, 1)
    middle = _grey(pixels).mean((2, 3), keepdim=True)
    pixels = (contrast * pixels + (1 - contrast) * middle).clamp(0, 1)
    pixels = (saturation * pixels + (1 - saturation) * _grey(pixels)).clamp(0, 1)
    return (pixels - mean) / std


def _grey(pixels: Tensor) -> Tensor:
    """Brightness ``[B, 1, H, W]``, of colours as the eye weighs them (ITU-R 601)."""
    if pixels.shape[1] != 3:
        return pixels.mean(1, keepdim=True)
    return (pixels * pixels.new_tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)).sum(
        1, keepdim=True
    )

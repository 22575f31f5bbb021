"""Attributes that are drawn into images: known at every pixel, and in counterfactual pairs.

Each turns colour images into the same images with a value 0 or 1 of the attribute. What else has to
be chosen, such as the place, is drawn once for each image (its ``draw``), so that both values of
an image form a counterfactual pair.

``glyph``  a plus (0) or a cross (1) in one of the corners, equally bright: a local attribute;
``mark``   nothing (0) or the plus (1);
``tint``   warm (0) or cool (1) light over the whole image;
``shape``  full size (0) or shrunk to 80 % (1), which touches what the classes are told by.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

PLUS = torch.tensor([[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0],
                     [0, 0, 1, 0, 0]])  # fmt: skip
CROSS = torch.tensor([[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0],
                      [1, 0, 0, 0, 1]])  # fmt: skip
LIT = 230  # of 255
GAINS = torch.tensor([[1.0, 0.87, 0.75], [0.75, 0.87, 1.0]])  # of red, green, blue; by value
SHRINK = 0.8


@dataclass(frozen=True)
class Attribute:
    """An attribute that can be drawn.

    Attributes
    ----------
    values
        what 0 and 1 are called.
    draw
        ``draw(n, size, generator)``: what has to be chosen for n images, a tensor ``[n, ...]``.
    render
        ``render(images, value, drawn)``: uint8 ``[n, 3, S, S]`` and bool ``[n]`` -> uint8.
    box
        ``box(size, drawn)``: bool ``[n, S, S]``, where the attribute is; None if everywhere.
    """

    name: str
    values: tuple[str, str]
    draw: Callable
    render: Callable
    box: Callable | None = None


def _corners(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Top and left of a 5 x 5 box, at most two pixels from the two edges of its corner."""
    away = torch.randint(0, 3, (n, 2), generator=generator)
    far = torch.randint(0, 2, (n, 2), generator=generator).bool()
    return torch.where(far, size - 5 - away, away)


def _inside(drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of the pixels of each image's box, ``[n, 5, 5]`` when broadcast."""
    pixels = drawn[:, :, None] + torch.arange(5)  # [n, 2, 5]
    return torch.arange(len(drawn))[:, None, None], pixels[:, 0, :, None], pixels[:, 1, None, :]


def _stamp(images: Tensor, signs: Tensor, drawn: Tensor) -> Tensor:
    """The signs ``[n, 5, 5]``, lit on black, at the places that were drawn."""
    rows, y, x = _inside(drawn)
    images = images.clone()
    images[rows, :, y, x] = (LIT * signs).to(torch.uint8).unsqueeze(-1).expand(-1, -1, -1, 3)
    return images


def _glyph(images: Tensor, value: Tensor, drawn: Tensor) -> Tensor:
    return _stamp(images, torch.stack([PLUS, CROSS])[value.long()], drawn)


def _mark(images: Tensor, value: Tensor, drawn: Tensor) -> Tensor:
    marked = _stamp(images, PLUS.expand(len(images), 5, 5), drawn)
    return torch.where(value[:, None, None, None], marked, images)


def _box(size: int, drawn: Tensor) -> Tensor:
    mask = torch.zeros(len(drawn), size, size, dtype=torch.bool)
    mask[_inside(drawn)] = True
    return mask


def _light(n: int, size: int, generator: torch.Generator) -> Tensor:
    return 0.85 + 0.1 * torch.rand(n, generator=generator)


def _tint(images: Tensor, value: Tensor, drawn: Tensor) -> Tensor:
    gains = GAINS[value.long()] * drawn[:, None]
    return (images * gains[:, :, None, None]).round().to(torch.uint8)


def _nothing(n: int, size: int, generator: torch.Generator) -> Tensor:
    return torch.zeros(n)


def _shape(images: Tensor, value: Tensor, drawn: Tensor) -> Tensor:
    size = images.shape[-1]
    inner = round(SHRINK * size)
    before = (size - inner) // 2
    border = (before, size - inner - before) * 2
    small = F.interpolate(images.float(), (inner, inner), mode="bilinear", antialias=True)
    small = F.pad(small, border, mode="replicate").round().to(torch.uint8)
    return torch.where(value[:, None, None, None], small, images)


ATTRIBUTES = {
    a.name: a
    for a in (  # in the order in which several are drawn
        Attribute("shape", ("full size", "shrunk"), _nothing, _shape),
        Attribute("tint", ("warm", "cool"), _light, _tint),
        Attribute("glyph", ("plus", "cross"), _corners, _glyph, _box),
        Attribute("mark", ("no mark", "mark"), _corners, _mark, _box),
    )
}

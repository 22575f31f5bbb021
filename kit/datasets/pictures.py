"""A picture file as bytes, as a viewer would show it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from kit.runtime.checks import one_of

SUFFIXES = {
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".ppm",
    ".pgm", ".pbm", ".pnm", ".tif", ".tiff", ".tga", ".jp2", ".avif",
}  # fmt: skip
HEIC = {".heic", ".heif", ".hif"}  # what phones save; Pillow needs the package pillow-heif for them
RESIZE = ("crop", "pad", "squash")
OBLONG = 100  # times as long as wide: no photograph, and its enlargement would fill the memory


class Broken(ValueError):
    """A picture that cannot be read, while others can."""


def suffixes() -> set[str]:
    """The endings of files that can be read on this machine."""
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    return (SUFFIXES | HEIC) & set(Image.registered_extensions())


def read_picture(
    file: Path, image_size: int | None = None, *, grey: bool = False, resize: str = "crop"
) -> Tensor:
    """A picture turned as its camera says, on white where it is transparent.

    Pictures of 16 bits are scaled by their range, 0 to 65535; floats must lie in [0, 1]. Of an
    animation the first picture counts. uint8 ``[channels, height, width]``.

    Raises
    ------
    ValueError
        a file that cannot be read, or is too large to be safe; the sentence names it.
    """
    one_of("resize", resize, RESIZE)
    with no_bombs():
        return decode(file, image_size, grey=grey, resize=resize)


@contextmanager
def no_bombs() -> Iterator[None]:
    """Pictures too large to be safe are errors. Warnings are filtered for all threads at once: so
    this stands around their pool, not in them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(file: Path, image_size: int | None, *, grey: bool, resize: str) -> Tensor:
    """``read_picture`` for threads, within ``no_bombs``."""
    try:
        with Image.open(file) as picture:
            return pixels(picture, image_size, grey=grey, resize=resize)
    except UnidentifiedImageError as error:
        raise Broken(f"{file} cannot be read as an image: of no kind Pillow knows") from error
    except Exception as error:  # Pillow raises many kinds for files that are broken
        said = str(error) or type(error).__name__
        raise Broken(f"{file} cannot be read as an image: {said}") from error


def pixels(picture: Image.Image, image_size: int | None, *, grey: bool, resize: str) -> Tensor:
    """A picture of Pillow's as uint8 ``[channels, height, width]``, by the same rules."""
    ImageOps.exif_transpose(picture, in_place=True)
    shown = _on_white(_of_eight_bits(picture)).convert("L" if grey else "RGB")
    if image_size is not None:
        shown = _square(shown, image_size, resize)
    values = torch.from_numpy(np.array(shown))
    return values[None] if grey else values.permute(2, 0, 1)


def _of_eight_bits(picture: Image.Image) -> Image.Image:
    """Pictures of more bits scaled by their range."""
    if picture.mode != "F" and not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture).astype(np.float64)
    low, high = values.min(), values.max()
    if picture.mode == "F" and not 0 <= low <= high <= 1:
        raise ValueError(f"floats must lie in [0, 1], found {low:g}..{high:g}")
    # Of 32 bits, 0..200 may be nearly black or 8 bits; 16 bits in so many are common.
    if picture.mode == "I" and not (low == high == 0 or low >= 0 and 255 < high <= 65535):
        raise ValueError(f"more than 16 bits: found {low:.0f}..{high:.0f}; save it with 8 or 16")
    most = 1 if picture.mode == "F" else 65535
    return Image.fromarray((values * 255 / most).round().astype(np.uint8))


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)


def _square(picture: Image.Image, size: int, how: str) -> Image.Image:
    """The picture as ``size`` x ``size`` pixels."""
    if how == "squash":
        return picture.resize((size, size), Image.Resampling.BILINEAR)
    if max(picture.size) > OBLONG * min(picture.size):
        raise ValueError(f"{picture.width} x {picture.height} pixels are too oblong to {how}")
    side = (min if how == "crop" else max)(picture.size)
    width, height = (max(1, int(size * length / side)) for length in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return picture.crop((left, top, left + size, top + size))  # beyond the picture it is black

"""Picture files as bytes, as a viewer would show them."""

import warnings
from contextlib import suppress
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from kit.runtime.checks import one_of
from kit.runtime.progress import progress

SUFFIXES = {
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".ppm",
    ".pgm", ".pbm", ".pnm", ".tif", ".tiff", ".tga", ".jp2", ".avif",
}  # fmt: skip
HEIC = {".heic", ".heif", ".hif"}  # what phones save; Pillow needs the package pillow-heif for them
RESIZE = ("crop", "pad", "squash")
OBLONG = 100  # times as long as wide: no photograph, and its enlargement would fill the memory
NAMED = 10  # of the files that cannot be read


def suffixes() -> set[str]:
    """The endings of files that can be read on this machine."""
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    return (SUFFIXES | HEIC) & set(Image.registered_extensions())


def read_files(
    files: list[Path],
    image_size: int | None = None,
    *,
    grey: bool = False,
    resize: str = "crop",
    on_error: str = "raise",
) -> tuple[Tensor, list[int]]:
    """Pictures as uint8 ``[n, channels, S, S]``, and which of the files they are.

    Parameters
    ----------
    image_size
        the side of the squares they become, in pixels; None keeps their size.
    grey
        one channel in place of three.
    resize
        how an oblong picture becomes a square: "crop" cuts the middle out, as torchvision's
        transforms do; "pad" adds black; "squash" distorts.
    on_error
        "skip" leaves out files that cannot be read, with a warning; "raise" names them.

    Raises
    ------
    ValueError
        files that cannot be read or are too large to be safe, sizes that differ.
    """
    one_of("resize", resize, RESIZE)  # before a file is blamed for it
    one_of("on_error", on_error, ("raise", "skip"))
    whole = isinstance(image_size, Integral) and not isinstance(image_size, bool)
    if image_size is not None and not (whole and image_size > 0):
        raise ValueError(f"image_size must be a number of pixels or None, got {image_size!r}")
    pictures, kept, broken = [], [], []
    for row, file in enumerate(progress(files, "reading images")):
        try:
            picture = read_picture(file, image_size, grey=grey, resize=resize)
        except ValueError as error:
            broken.append(str(error))
            continue
        _refuse_other_size(file, picture, pictures)
        pictures.append(picture)
        kept.append(row)
    _report(broken, len(files), on_error)
    if not pictures:
        raise ValueError(f"none of the {len(files)} files can be read")
    return torch.stack(pictures), kept


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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as picture:
                ImageOps.exif_transpose(picture, in_place=True)
                shown = _on_white(_of_eight_bits(picture)).convert("L" if grey else "RGB")
        if image_size is not None:
            shown = _square(shown, image_size, resize)
    except UnidentifiedImageError as error:
        raise ValueError(f"{file} cannot be read as an image: of no kind Pillow knows") from error
    except Exception as error:  # Pillow raises many kinds for files that are broken
        said = str(error) or type(error).__name__
        raise ValueError(f"{file} cannot be read as an image: {said}") from error
    pixels = torch.from_numpy(np.array(shown))
    return pixels[None] if grey else pixels.permute(2, 0, 1)


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


def _refuse_other_size(file: Path, picture: Tensor, others: list[Tensor]) -> None:
    height, width = picture.shape[1:]
    if height != width or others and picture.shape != others[0].shape:
        raise ValueError(
            f"{file} is {width}x{height}; all images must be squares of one size: pass "
            f"image_size= to resize them"
        )


def _report(broken: list[str], count: int, on_error: str) -> None:
    """Name the files that cannot be read, in an error or a warning."""
    if not broken:
        return
    more = [f"and {len(broken) - NAMED} more"] if len(broken) > NAMED else []
    told = "\n  ".join([f"{len(broken)} of {count} files are broken:", *broken[:NAMED], *more])
    if on_error == "raise":
        raise ValueError(f'{told}\nmend or remove them, or pass on_error="skip" to leave them out')
    warnings.warn(f"left out {told}", stacklevel=4)

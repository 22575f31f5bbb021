"""Archives of strips: one tall JPEG for each class and part, its pictures from top to bottom.

    NAME.tar:  NAME/files.json            {"side": 64, "files": {"train/lotus": ["a.jpg", ...]}}
               NAME/train/lotus.jpg       64 pixels wide, a multiple of 64 high
               NAME/test/lotus.jpg

A side is a multiple of 16 pixels, so that no picture touches the JPEG blocks of its neighbour.
"""

import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from kit.datasets.data import ImageData
from kit.datasets.sources import damaged
from kit.runtime.files import whole

QUALITY = 90  # of the JPEGs that are written here
BLOCK, TALLEST = 16, 65_500  # pixels


def read_strips(archive: Path, name: str) -> ImageData:
    """The pictures, uint8 ``[n, 3, side, side]``; the classes are sorted by name.

    Raises
    ------
    ValueError
        no archive of this kind, damaged, or with other classes in its two parts.
    """
    return inside(archive, lambda tar: _of_classes(tar, archive.stem, name))


def write_strips(archive: Path, pictures: dict[str, Tensor], files: dict[str, list[str]]) -> Path:
    """Write such an archive of uint8 ``[n, 3, S, S]`` by strip, "train/lotus"; the same pictures
    give the same bytes.

    Raises
    ------
    ValueError
        pictures that are not uint8 squares of one size, a side that is no multiple of 16 pixels, a
        strip taller than a JPEG can be, 65,500 pixels, no strip.
    """
    if not pictures:
        raise ValueError(f"there is no strip to write to {archive}")
    side = next(iter(pictures.values())).shape[-1]
    for name, images in pictures.items():
        _refuse_unfit(name, images, side)
    members = {
        "files.json": json.dumps({"side": side, "quality": QUALITY, "files": files}).encode()
    }
    for name, images in pictures.items():
        tall = Image.fromarray(images.permute(0, 2, 3, 1).flatten(0, 1).numpy())
        tall.save(jpeg := BytesIO(), "JPEG", quality=QUALITY, subsampling=0, optimize=True)
        members[f"{name}.jpg"] = jpeg.getvalue()
    with whole(archive) as half, tarfile.open(half, "w") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"{archive.stem}/{name}")  # no time, no owner
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
    return archive


def inside(archive: Path, read: Callable[[tarfile.TarFile], ImageData]) -> ImageData:
    """What ``read`` makes of an archive.

    Raises
    ------
    ValueError
        whatever goes wrong: a damaged archive, one of another kind; the sentence names it.
    """
    try:
        with tarfile.open(archive) as tar:
            return read(tar)
    except tarfile.ReadError as error:  # which lists every compression that it tried
        raise damaged(archive, ValueError("no tar archive, or cut short")) from error
    except Exception as error:  # a damaged archive, or one of another kind, raises many
        raise damaged(archive, error) from error


def member(tar: tarfile.TarFile, name: str) -> bytes:
    """The content of a file in an archive.

    Raises
    ------
    ValueError
        it is not there, or is a folder.
    """
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise ValueError(f"it holds no file {name}")
    return file.read()


def cut_strip(tar: tarfile.TarFile, name: str, side: int) -> Tensor:
    """The pictures of the strip of this name, uint8 ``[n, 3, side, side]``.

    Raises
    ------
    ValueError
        no such strip, one that is no picture, of another width, or no multiple of it high.
    """
    jpeg = member(tar, name)
    try:
        with Image.open(BytesIO(jpeg)) as strip:
            pixels = torch.from_numpy(np.array(strip.convert("RGB")))
    except UnidentifiedImageError as error:  # which would print the address of the bytes
        raise ValueError(f"{name} is no picture") from error
    except Exception as error:  # Pillow raises many kinds for files that are broken
        raise ValueError(f"{name} cannot be read as a picture: {error}") from error
    height, width, _ = pixels.shape
    if width != side or height % side:
        raise ValueError(f"{name} of {width} x {height} pixels does not hold pictures of {side}")
    return pixels.view(-1, side, side, 3).permute(0, 3, 1, 2).contiguous()


def _of_classes(tar: tarfile.TarFile, stem: str, name: str) -> ImageData:
    side, files = _listing(member(tar, f"{stem}/files.json"))
    classes = sorted({strip.partition("/")[2] for strip in files})
    x, y = {}, {}
    for part in ("train", "test"):
        strips = {of: cut_strip(tar, f"{stem}/{part}/{of}.jpg", side) for of in classes}
        for of, found in strips.items():
            if len(found) != (count := len(files.get(f"{part}/{of}", []))):
                raise ValueError(f"{part}/{of} has {len(found)} pictures, its list {count}")
        x[part] = torch.cat([*strips.values()])
        counts = torch.tensor([len(found) for found in strips.values()])
        y[part] = torch.arange(len(classes)).repeat_interleave(counts)
    names = (f"{of}/{file}" for of in classes for file in files[f"train/{of}"])
    return ImageData(
        name, x["train"], y["train"], x["test"], y["test"], classes, train_files=tuple(names)
    )


def _listing(content: bytes) -> tuple[int, dict[str, list[str]]]:
    """The side of the pictures, and the names of those in each strip."""
    try:
        listed = json.loads(content)
        files = {strip: [str(file) for file in names] for strip, names in listed["files"].items()}
        side = int(listed["side"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("files.json is no list of pictures") from error
    if not files or side < 1:
        raise ValueError(f"files.json lists {len(files)} strips of {side} pixels")
    return side, files


def _refuse_unfit(name: str, images: Tensor, side: int) -> None:
    """``ValueError`` unless these pictures can stand in one strip."""
    shape = tuple(images.shape)
    if images.dtype != torch.uint8 or not len(images) or shape[1:] != (3, side, side):
        raise ValueError(
            f"{name} must be uint8 [n, 3, {side}, {side}], got {images.dtype} {shape}: cut all "
            f"pictures to squares of one size"
        )
    if side % BLOCK:
        raise ValueError(f"a side must be a multiple of {BLOCK} pixels, got {side}: resize them")
    if len(images) * side > TALLEST:
        raise ValueError(
            f"{name} would be {len(images) * side:,} pixels high, a JPEG is at most {TALLEST:,}: "
            f"give at most {TALLEST // side} pictures"
        )

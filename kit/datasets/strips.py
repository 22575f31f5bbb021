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
from PIL import Image
from torch import Tensor

from kit.datasets.data import ImageData
from kit.runtime.files import whole

QUALITY = 90  # of the JPEGs that are written here
BLOCK, TALLEST = 16, 65_500  # pixels


def read_strips(archive: Path, name: str) -> ImageData:
    """The classes are sorted by name.

    Raises
    ------
    ValueError
        no archive of this kind, damaged, or with other classes in its two parts.
    """

    def read(tar: tarfile.TarFile) -> ImageData:
        listed = json.load(tar.extractfile(f"{archive.stem}/files.json"))
        files, parts, labels = listed["files"], {}, {}
        classes = sorted({key.partition("/")[2] for key in files})
        for part in ("train", "test"):
            strips = [f"{part}/{of}" for of in classes]
            pictures = [
                cut_strip(tar.extractfile(f"{archive.stem}/{strip}.jpg").read(), listed["side"])
                for strip in strips
            ]
            for strip, found in zip(strips, pictures, strict=True):
                if len(found) != len(files[strip]):
                    raise ValueError(f"{strip} has {len(found)} of {len(files[strip])} pictures")
            parts[part] = torch.cat(pictures)
            counts = torch.tensor([len(found) for found in pictures])
            labels[part] = torch.arange(len(classes)).repeat_interleave(counts)
        names = (f"{of}/{file}" for of in classes for file in files[f"train/{of}"])
        return ImageData(
            name, parts["train"], labels["train"], parts["test"], labels["test"], classes,
            train_files=tuple(names),
        )  # fmt: skip

    return inside(archive, read)


def write_strips(archive: Path, pictures: dict[str, Tensor], files: dict[str, list[str]]) -> Path:
    """Write such an archive of uint8 ``[n, 3, S, S]`` by strip, "train/lotus"; the same pictures
    give the same bytes.

    Raises
    ------
    ValueError
        a side that is no multiple of 16 pixels, a strip taller than a JPEG can be.
    """
    side = next(iter(pictures.values())).shape[-1]
    tallest = side * max(map(len, pictures.values()))
    if side % BLOCK or tallest > TALLEST:
        raise ValueError(
            f"strips are pictures of a multiple of {BLOCK} pixels and at most {TALLEST:,} high, "
            f"got {side} pixels and {tallest:,}"
        )
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
    """What ``read`` makes of an archive; one sentence if it is damaged or of another kind."""
    try:
        with tarfile.open(archive) as tar:
            return read(tar)
    except Exception as error:  # a damaged archive, or one of another kind, raises many
        raise ValueError(f"{archive} is damaged or no such archive: {error}") from error


def cut_strip(jpeg: bytes, side: int) -> Tensor:
    """The pictures of a strip, uint8 ``[n, 3, side, side]``."""
    with Image.open(BytesIO(jpeg)) as strip:
        pixels = torch.from_numpy(np.array(strip.convert("RGB")))
    height, width, _ = pixels.shape
    if width != side or height % side:
        raise ValueError(f"a strip of {width} x {height} pixels does not hold pictures of {side}")
    return pixels.view(-1, side, side, 3).permute(0, 3, 1, 2).contiguous()

"""Pixels in memory or in a file, by how many they are."""

from collections.abc import Callable
from math import prod
from pathlib import Path

from PIL import Image
from torch import Tensor

from kit.datasets import store
from kit.datasets.listing import below
from kit.datasets.pictures import decode
from kit.datasets.reading import check_settings, read_files

Part = Callable[[int, int], Tensor]  # first picture, how many -> uint8 [n, channels, S, S]


def read_pictures(
    files: list[Path], folder: Path, image_size: int | None, *, grey: bool, resize: str,
    on_error: str, in_memory: bool | None,
) -> tuple[Part, list[int]]:  # fmt: skip
    """Picture files of a folder, in memory or in a file: a function that gives some of them, and
    which of the files they are. As ``kit.datasets.from_folder``.

    Raises
    ------
    ValueError
        files that cannot be read, sizes that differ, or no ``image_size`` for a file of pixels.
    """
    check_settings(image_size, resize, on_error)
    channels = 1 if grey else 3
    side = image_size or _first_side(files)
    if not beyond_memory(len(files), (channels, side, side), image_size, in_memory):
        images, kept = read_files(files, image_size, grey=grey, resize=resize, on_error=on_error)
        return lambda start, count: images[start : start + count], kept

    def read(at: int) -> Tensor:
        return decode(files[at], image_size, grey=grey, resize=resize)

    stamps = [(below(file, folder), *_stamp(file)) for file in files]
    made = store.Pictures(
        store.place(str(folder.resolve()), stamps, image_size, grey, resize),
        len(files), (channels, image_size, image_size), read,
    )  # fmt: skip
    return made.part, made.made(on_error)


def beyond_memory(
    count: int, shape: tuple[int, int, int], image_size: int | None, in_memory: bool | None
) -> bool:
    """Whether so many pictures of this shape go to a file.

    Raises
    ------
    ValueError
        they would, but nobody said how large they are.
    """
    size = count * prod(shape)
    if not (size > store.IN_MEMORY if in_memory is None else not in_memory):
        return False
    if image_size is None:
        raise ValueError(
            f"{count:,} pictures of {size / 1e9:.2f} GB go to a file, in which all have one size: "
            f"pass image_size=, or in_memory=True if there is room for them"
        )
    return True


def _stamp(file: Path) -> tuple[int, int]:
    """Size in bytes and time in nanoseconds, by which a change shows."""
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


def _first_side(files: list[Path]) -> int:
    """The height of the first picture that can be opened, in pixels; 0 where none can."""
    for file in files:
        try:
            with Image.open(file) as picture:
                return picture.height
        except Exception:  # Pillow raises many kinds; the file is named when it is read
            continue
    return 0

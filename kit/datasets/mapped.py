"""``Mapped``: pixels that stay in a file, as a tensor that is read where it is looked at."""

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kit.runtime.files import whole
from kit.runtime.progress import progress

CHUNK = 2**24  # bytes that are looked at together


class Mapped(Tensor):
    """Pictures in a memory-mapped file, uint8 ``[n, channels, height, width]``, to be read alone.

    What is cut out of it is an ordinary tensor: ``pixels[rows]`` reads these rows into memory, a
    slice reads nothing yet. Copied or sent to another process, it is the file's name that goes.
    Writing into it ends the process.
    """

    # What is calculated from pixels in a file lies in memory.
    __torch_function__ = torch._C._disabled_torch_function_impl

    file: Path
    start: int

    def __deepcopy__(self, memo: dict) -> "Mapped":
        return self

    def __reduce_ex__(self, protocol: int) -> tuple:
        return mapped, (str(self.file), self.start, tuple(self.shape))


def mapped(file: str | Path, start: int, shape: tuple[int, ...]) -> Mapped:
    """The pictures in a file of bytes from number ``start`` on, uint8 ``shape`` ``[n, channels,
    height, width]``.

    Raises
    ------
    ValueError
        the file is gone or too short.
    """
    file, (count, *of_one) = Path(file), shape
    size = math.prod(of_one)  # bytes of a picture
    if not file.is_file() or file.stat().st_size < (start + count) * size:
        raise ValueError(f"{file} is gone or cut short: load the data set again")
    values = np.memmap(file, np.uint8, "r", offset=start * size, shape=tuple(shape))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writ")
        tensor = torch.from_numpy(values).as_subclass(Mapped)
    tensor.file, tensor.start = file, start
    return tensor


def chunks(images: Tensor, title: str = "") -> Iterator[Tensor]:
    """A few images at a time, without a copy; of a file behind a progress bar with this title."""
    bytes_of_one = math.prod(images.shape[1:]) * images.element_size()
    parts = images.split(max(1, CHUNK // max(1, bytes_of_one)))
    yield from progress(parts, title, show=bool(title) and isinstance(images, Mapped))


def remembered(pixels: list[Tensor], what: str, compute: Callable[[], object]) -> object:
    """What follows from pixels, as JSON can hold it: computed once if they lie in files.

    Parameters
    ----------
    what
        the name of the result; with the pixels, it must tell it from all others.
    """
    if not all(isinstance(images, Mapped) for images in pixels):
        return compute()
    places = [[str(of.file.parent.name), of.start, *of.shape] for of in pixels]
    name = hashlib.sha256(json.dumps([what, places]).encode()).hexdigest()[:16]
    file = pixels[0].file.with_name(f"fact-{name}.json")
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):  # not there, or damaged
        value = compute()
    with whole(file) as half:
        half.write_text(json.dumps(value))
    return value


def forget_facts(folder: Path) -> None:
    """Remove what is remembered of the pixels in a folder."""
    for file in folder.glob("fact-*.json"):
        file.unlink(missing_ok=True)

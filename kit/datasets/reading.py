"""Many pictures, read in parallel, in their order."""

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from numbers import Integral
from pathlib import Path

import torch
from torch import Tensor

from kit.datasets.pictures import RESIZE, Broken, decode, no_bombs
from kit.runtime.checks import one_of
from kit.runtime.progress import progress

AHEAD = 16  # pictures that may wait for their turn, for each thread
NAMED = 10  # of the files that cannot be read


def read_files(
    files: list[Path],
    image_size: int | None = None,
    *,
    grey: bool = False,
    resize: str = "crop",
    on_error: str = "raise",
    threads: int | None = None,
) -> tuple[Tensor, list[int]]:
    """Pictures as uint8 ``[n, channels, S, S]`` in memory, and which of the files they are.

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
    threads
        how many read at once, by default as many as there are processors; the pictures are the
        same.

    Raises
    ------
    ValueError
        files that cannot be read or are too large to be safe, sizes that differ.
    """
    check_settings(image_size, resize, on_error)
    read = partial(decode, image_size=image_size, grey=grey, resize=resize)
    pictures, kept, broken = torch.empty(0), [], []
    with no_bombs():
        found = in_order(read, files, threads)
        for row, picture in enumerate(progress(found, "reading images", total=len(files))):
            if isinstance(picture, Broken):
                broken.append(str(picture))
                continue
            if not kept:  # one tensor that is filled: two copies may not fit
                refuse_other_size(str(files[row]), picture, picture)
                pictures = torch.empty((len(files), *picture.shape), dtype=torch.uint8)
            refuse_other_size(str(files[row]), picture, pictures[0])
            pictures[len(kept)] = picture
            kept.append(row)
    report(broken, len(files), on_error)
    return pictures[: len(kept)], kept


def read_images(
    index: dict[str, list[Path]],
    classes: list[str],
    image_size: int | None,
    grey: bool,
    *,
    resize: str = "crop",
) -> tuple[Tensor, Tensor]:
    """Class name -> files, as uint8 images ``[N, channels, S, S]`` and labels ``[N]``."""
    files = [file for name in classes for file in index[name]]
    labels = [label for label, name in enumerate(classes) for _ in index[name]]
    return read_files(files, image_size, grey=grey, resize=resize)[0], torch.tensor(labels)


def in_order(
    read: Callable[[object], Tensor], items: Iterable, threads: int | None = None
) -> Iterator[Tensor | Broken]:
    """``read(item)`` for each item, in their order, or the error of a broken picture.

    Few results wait for their turn, and whoever stops in the middle waits for no item.
    """
    threads = threads or processors()
    if threads == 1:
        yield from (_result(read, item) for item in items)
        return
    pool, waiting = ThreadPoolExecutor(threads), deque()
    try:
        for item in items:
            waiting.append(pool.submit(_result, read, item))
            if len(waiting) > AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_settings(image_size: int | None, resize: str, on_error: str) -> None:
    """``ValueError`` for settings that are none, before a file is blamed for it."""
    one_of("resize", resize, RESIZE)
    one_of("on_error", on_error, ("raise", "skip"))
    whole = isinstance(image_size, Integral) and not isinstance(image_size, bool)
    if image_size is not None and not (whole and image_size > 0):
        raise ValueError(f"image_size must be a number of pixels or None, got {image_size!r}")


def report(broken: list[str], count: int, on_error: str) -> None:
    """Name the files that cannot be read, in an error or a warning; an error if all cannot."""
    if broken:
        more = [f"and {len(broken) - NAMED} more"] if len(broken) > NAMED else []
        told = "\n  ".join([f"{len(broken)} of {count} files are broken:", *broken[:NAMED], *more])
        if on_error == "raise":
            raise ValueError(
                f'{told}\nmend or remove them, or pass on_error="skip" to leave them out'
            )
        warnings.warn(f"left out {told}", stacklevel=5)
    if len(broken) == count:
        raise ValueError(f"none of the {count} files can be read")


def _result(read: Callable[[object], Tensor], item: object) -> Tensor | Broken:
    try:
        return read(item)
    except Broken as error:
        return error


def refuse_other_size(what: str, picture: Tensor, like: Tensor) -> None:
    """``ValueError`` unless a picture is a square, of the size of another."""
    height, width = picture.shape[1:]
    if height != width or picture.shape != like.shape:
        raise ValueError(
            f"{what} is {width}x{height}; all images must be squares of one size: pass "
            f"image_size= to resize them"
        )

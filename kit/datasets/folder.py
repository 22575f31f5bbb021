"""Any image set that is a tree of folders: train/<class>/*, test/<class>/*, or <class>/*."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Sequence
from numbers import Real
from pathlib import Path

import torch

from kit.datasets.amount import read_pictures
from kit.datasets.data import ImageData
from kit.datasets.listing import below, counted, index_classes
from kit.datasets.statistics import as_statistics

TEST_SHARE = 0.2  # of the pictures, where a folder has no parts of its own

Listed = list[tuple[Path, str, str]]  # file, class, "train" or "test"


def from_folder(
    path: str | Path,
    image_size: int | None = None,
    *,
    name: str | None = None,
    grey: bool = False,
    resize: str = "crop",
    on_error: str = "raise",
    test: str = "test",
    test_share: float | None = None,
    seed: int = 0,
    statistics: tuple[Sequence[float], Sequence[float]] | None = None,
    in_memory: bool | None = None,
) -> ImageData:
    """Read ``path/train/<class>/*`` and ``path/test/<class>/*``; where neither ``train`` nor
    ``test`` is there, ``path/<class>/*``, of which a share becomes test images.

    Pictures are read as a viewer shows them: turned as the camera says, on white where they are
    transparent, 16 bits scaled to 8. Hidden files and folders are passed over; a warning counts
    what else is left out.

    Whether a picture is a test picture depends on its path below the folder and on the seed, not on
    the other pictures: taking some away or adding some moves no other.

    More than 2**29 bytes of pixels do not go into memory: they are decoded once into a file in
    ``$KIT_CACHE/pictures``, else in the user's cache, and read from there as they are needed. The
    file is made anew when the name, size or time of a picture changes, and checked when it is
    opened. Old ones may be deleted at any time.

    Parameters
    ----------
    image_size
        side in pixels to resize every image to; None keeps the size, which must then be
        the same square for all.
    name
        name for the records, by default the folder's.
    grey
        one channel in place of three.
    resize
        how an oblong picture becomes a square: "crop" cuts the middle out, "pad" adds black,
        "squash" distorts.
    on_error
        "skip" leaves out files that cannot be read, with a warning; "raise" names them.
    test
        the folder of the test images, where it is called otherwise: "val".
    test_share
        share of the pictures that become test images, by default 0.2, where the folder has no
        parts of its own. Where it has only one of the two, that one is then a class.
    seed
        of that split.
    statistics
        mean and standard deviation per channel in [0, 1], to normalise by in place of those of the
        training images.
    in_memory
        True or False: whatever the size, keep the pixels in memory or in a file.

    Raises
    ------
    FileNotFoundError
        ``train`` or ``test`` is not there, but the other is.
    ValueError
        no classes, a class without images in one of the parts, different classes in the two,
        files that cannot be read as images (all are named), sizes that differ, a share of a folder
        with parts of its own, statistics that are none, pixels for a file without ``image_size``.
    OSError
        no space is left for the file of the pixels.
    """
    path = Path(path)
    if statistics is not None:
        statistics = as_statistics(statistics, 1 if grey else 3)
    own = _splits_itself(path, test, test_share)
    listed = _drawn(path, test_share, seed) if own else _in_parts(path, test)
    files, labels, parts = zip(*listed, strict=True)
    part, kept = read_pictures(
        list(files), path, image_size,
        grey=grey, resize=resize, on_error=on_error, in_memory=in_memory,
    )  # fmt: skip
    files, labels, parts = zip(*(listed[i] for i in kept), strict=True)
    classes = sorted({of for _, of, _ in listed})
    _refuse_missing(set(zip(labels, parts, strict=True)), classes, "can be read")
    n, files = parts.count("train"), tuple(str(file.absolute()) for file in files)
    numbers = {of: number for number, of in enumerate(classes)}
    labels = torch.tensor([numbers[of] for of in labels])
    return ImageData(
        name or path.name, part(0, n), labels[:n], part(n, len(kept) - n), labels[n:], classes,
        train_files=files[:n], test_files=files[n:], given_statistics=statistics,
    )  # fmt: skip


def _splits_itself(path: Path, test: str, share: float | None) -> bool:
    """Whether the sub-folders are the classes, not the parts."""
    number = isinstance(share, Real) and not isinstance(share, bool)
    if share is not None and not (number and 0 < share < 1):
        raise ValueError(f"test_share must lie between 0 and 1, got {share!r}")
    there = [(path / part).is_dir() for part in ("train", test)]
    if all(there) and share is not None:
        raise ValueError(
            f"{path} has its own parts train and {test}: leave test_share out, or name the folder "
            f"of the classes"
        )
    return path.is_dir() and (not any(there) or share is not None)


def _in_parts(path: Path, test: str) -> Listed:
    """The pictures of a folder that has parts."""
    (train, train_rest), (tests, test_rest) = (index_classes(path / p) for p in ("train", test))
    _tell(path, train_rest + test_rest)
    if set(train) != set(tests):
        odd = sorted(set(train) ^ set(tests))
        raise ValueError(f"{path}: train and test must hold the same classes; only in one: {odd}")
    return [
        (file, of, part)
        for part, index in (("train", train), ("test", tests))
        for of in sorted(index)
        for file in index[of]
    ]


def _drawn(path: Path, share: float | None, seed: int) -> Listed:
    """The pictures of a folder of classes, with a part for each."""
    classes, rest = index_classes(path)
    _tell(path, rest)
    share = TEST_SHARE if share is None else share
    listed = [
        (file, of, "test" if chance(below(file, path), seed) < share else "train")
        for of in sorted(classes)
        for file in classes[of]
    ]
    how = "; pass another seed= or test_share=, or make folders train and test"
    _refuse_missing({(of, part) for _, of, part in listed}, sorted(classes), "falls", how)
    return sorted(listed, key=lambda entry: entry[2], reverse=True)  # "train" first


def chance(name: str, seed: int) -> float:
    """A number in [0, 1) that a name and a seed decide, as if drawn."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _tell(path: Path, left_out: Counter) -> None:
    if left_out:
        warnings.warn(f"{path}: left out {counted(left_out)}", stacklevel=4)


def _refuse_missing(
    found: set[tuple[str, str]], classes: list[str], verb: str, how: str = ""
) -> None:
    """Each class must have an image in both parts."""
    for part in ("train", "test"):
        missing = [of for of in classes if (of, part) not in found]
        if missing:
            raise ValueError(f"no image of {', '.join(missing)} {verb} in {part}{how}")

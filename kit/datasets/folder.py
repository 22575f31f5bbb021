"""Any image set that is a tree of folders: train/<class>/*, test/<class>/*."""

import unicodedata
import warnings
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from kit.datasets.data import ImageData
from kit.datasets.pictures import HEIC, read_files, suffixes

HIDDEN = {"__macosx", "@eadir", "thumbs.db", "desktop.ini"}  # and all that begins with a dot


def from_folder(
    path: str | Path,
    image_size: int | None = None,
    *,
    name: str | None = None,
    grey: bool = False,
    resize: str = "crop",
    on_error: str = "raise",
    test: str = "test",
) -> ImageData:
    """Read ``path/train/<class>/*`` and ``path/test/<class>/*`` into memory.

    Pictures are read as a viewer shows them: turned as the camera says, on white where they are
    transparent, 16 bits scaled to 8. Hidden files and folders are passed over; a warning counts
    what else is left out.

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

    Raises
    ------
    FileNotFoundError
        ``train`` or ``test`` is not there.
    ValueError
        no classes, a class without images, different classes in the two parts, files that cannot
        be read as images (all are named), sizes that differ.
    """
    path = Path(path)
    (train, train_rest), (tests, test_rest) = (index_classes(path / p) for p in ("train", test))
    if rest := train_rest + test_rest:
        warnings.warn(f"{path}: left out {_counted(rest)}", stacklevel=2)
    classes = sorted(train)
    if set(train) != set(tests):
        odd = sorted(set(train) ^ set(tests))
        raise ValueError(f"{path}: train and test must hold the same classes; only in one: {odd}")
    listed = [
        (file, label, part)
        for part, index in (("train", train), ("test", tests))
        for label, name in enumerate(classes)
        for file in index[name]
    ]
    images, kept = read_files(
        [file for file, _, _ in listed], image_size, grey=grey, resize=resize, on_error=on_error
    )
    files, labels, parts = zip(*(listed[i] for i in kept), strict=True)
    _refuse_missing(set(zip(labels, parts, strict=True)), classes)
    n, labels = parts.count("train"), torch.tensor(labels)
    return ImageData(
        name or path.name, images[:n], labels[:n], images[n:], labels[n:], classes,
        train_files=tuple(str(file.absolute()) for file in files[:n]),
    )  # fmt: skip


def index_classes(folder: Path) -> tuple[dict[str, list[Path]], Counter]:
    """Class name -> its image files, sorted by name; and how many of what kind are left out.

    However a system composes accents, a name is the same.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is not there; from_folder needs train/<class>/* and test/<class>/*"
        )
    wanted, left_out, classes = suffixes(), Counter(), {}
    for inside in visible(folder):
        if not inside.is_dir():
            left_out["file beside the class folders"] += 1
            continue
        name = unicodedata.normalize("NFC", inside.name)
        if name in classes:
            raise ValueError(f"{folder} has two folders called {name!r}, to the eye the same")
        classes[name] = []
        for file in visible(inside):
            if (kind := _kind(file)) in wanted:
                classes[name].append(file)
            else:
                left_out[kind] += 1
    empty = sorted(name for name, files in classes.items() if not files)
    if not classes or empty:
        found = f"; there are {_counted(left_out)}" if left_out else ""
        raise ValueError(f"{folder} has no images in {empty or 'any class folder'}{found}")
    return classes, left_out


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


def _refuse_missing(found: set[tuple[int, str]], classes: list[str]) -> None:
    """Each class must have an image that can be read in both parts."""
    for part in ("train", "test"):
        missing = [name for label, name in enumerate(classes) if (label, part) not in found]
        if missing:
            raise ValueError(f"no image of {', '.join(missing)} can be read in {part}")


def visible(folder: Path) -> list[Path]:
    """What is in a folder, sorted, but for what systems and tools hide there."""
    return sorted(f for f in folder.iterdir() if f.name[0] != "." and f.name.lower() not in HIDDEN)


def _kind(file: Path) -> str:
    """The suffix of a file, or what else it is."""
    return "sub-folder" if file.is_dir() else file.suffix.lower() or "file without a suffix"


def _counted(left_out: Counter) -> str:
    counts = ", ".join(f"{count} x {kind}" for kind, count in sorted(left_out.items()))
    phones = HEIC & set(left_out)
    return (
        f"{counts}; the package pillow-heif reads {', '.join(sorted(phones))}" if phones else counts
    )

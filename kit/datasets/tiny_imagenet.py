"""Tiny-ImageNet (Stanford CS231n): 200 classes of ImageNet, 500 + 50 images each of 64 pixels."""

from pathlib import Path

import torch
from torch import Tensor

from kit.datasets.data import ImageData
from kit.datasets.reading import read_files
from kit.datasets.sources import no_download

AGAIN = "unpack tiny-imagenet-200.zip again"
NAMED = 5  # of the pictures that are not there


def load_tiny_imagenet(root: Path, download: bool) -> ImageData:
    """The training images, uint8 ``[100000, 3, 64, 64]``, and the validation images as test images,
    ``[10000, 3, 64, 64]``: those of the test part have no labels. It takes 1.4 GB of memory.

    Raises
    ------
    FileNotFoundError
        the folder is not there.
    ValueError
        files that are missing or broken, notes that are empty, name no class or another one, or
        name a picture that is not there.
    """
    folder = root / "tiny-imagenet-200"
    if not folder.is_dir():
        raise no_download("tiny-imagenet", folder, f"unpack tiny-imagenet-200.zip into {root}")
    train = sorted(folder.glob("train/*/images/*.JPEG"))
    classes = sorted({file.parent.parent.name for file in train})
    notes = folder / "val" / "val_annotations.txt"
    if not train or not notes.is_file():
        raise ValueError(f"{folder} is incomplete: it needs train/*/images/*.JPEG and {notes}")
    labels = {of: label for label, of in enumerate(classes)}
    test, test_y = _noted(notes, labels)
    return ImageData(
        "tiny-imagenet", read_files(train)[0],
        torch.tensor([labels[file.parent.parent.name] for file in train]),
        read_files(test)[0], test_y, classes, train_files=tuple(map(str, train)),
    )  # fmt: skip


def _noted(notes: Path, labels: dict[str, int]) -> tuple[list[Path], Tensor]:
    """The validation images that the notes name, and their labels, int64 ``[n]``."""
    # What is no text becomes names that nothing has, and is refused with those.
    lines = notes.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [line.split()[:2] for line in lines if line.strip()]
    if not rows:
        raise ValueError(f"{notes} is empty: {AGAIN}")
    if short := next((row for row in rows if len(row) < 2), None):
        raise ValueError(f"{notes} names no class for {short[0]!r}: {AGAIN}")
    if unknown := next((of for _, of in rows if of not in labels), None):
        raise ValueError(f"{notes} names {unknown!r}, which is no class in train: {AGAIN}")
    images = notes.with_name("images")
    there = {file.name for file in images.glob("*")}
    if absent := [file for file, _ in rows if file not in there]:
        more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
        first = ", ".join(map(repr, absent[:NAMED]))
        raise ValueError(f"{notes} names {first}{more}, not there in {images}: {AGAIN}")
    return [images / file for file, _ in rows], torch.tensor([labels[of] for _, of in rows])

"""Tiny-ImageNet (Stanford CS231n): 200 classes of ImageNet, 500 + 50 images each of 64 pixels."""

from pathlib import Path

import torch

from kit.datasets.data import ImageData
from kit.datasets.pictures import read_files
from kit.datasets.sources import no_download


def load_tiny_imagenet(root: Path, download: bool) -> ImageData:
    """The training images, and the validation images as test images: those of the test part have
    no labels. It takes 1.4 GB of memory.

    Raises
    ------
    FileNotFoundError
        the folder is not there.
    ValueError
        files that are missing or broken, or an annotation of another class.
    """
    folder = root / "tiny-imagenet-200"
    if not folder.is_dir():
        raise no_download("tiny-imagenet", folder, f"unpack tiny-imagenet-200.zip into {root}")
    train = sorted(folder.glob("train/*/images/*.JPEG"))
    classes = sorted({file.parent.parent.name for file in train})
    notes = folder / "val" / "val_annotations.txt"
    if not train or not notes.is_file():
        raise ValueError(f"{folder} is incomplete: it needs train/*/images/*.JPEG and {notes}")
    rows = [line.split()[:2] for line in notes.read_text().splitlines() if line.strip()]
    if not rows:
        raise ValueError(f"{notes} is empty: unpack tiny-imagenet-200.zip again")
    test = [folder / "val" / "images" / row[0] for row in rows]
    labels = {of: label for label, of in enumerate(classes)}
    try:
        test_y = torch.tensor([labels[row[1]] for row in rows])
    except (KeyError, IndexError) as error:
        raise ValueError(f"{notes} names {error}, which is no class of {folder}/train") from error
    return ImageData(
        "tiny-imagenet", read_files(train)[0],
        torch.tensor([labels[file.parent.parent.name] for file in train]),
        read_files(test)[0], test_y, classes, train_files=tuple(map(str, train)),
    )  # fmt: skip

"""Sets that torchvision knows how to download, verify and read: CIFAR-10, CIFAR-100, SVHN.

torchvision takes seconds to import, so each function does it when it is called.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from kit.datasets.data import ImageData
from kit.datasets.folder import from_folder
from kit.datasets.sources import missing

CIFAR_SIDE = 32  # pixels


def load_cifar10(root: Path, download: bool) -> ImageData:
    """CIFAR-10: 50,000 + 10,000 colour images of 32 x 32, 10 classes.

    Where only a tree of image files is there, ``cifar10-jpeg/``, that is loaded, under that name.
    """
    from torchvision.datasets import CIFAR10

    return _cifar("cifar10", CIFAR10, root, download)


def load_cifar100(root: Path, download: bool) -> ImageData:
    """CIFAR-100: 50,000 + 10,000 colour images of 32 x 32, 100 classes; else ``cifar100-jpeg/``."""
    from torchvision.datasets import CIFAR100

    return _cifar("cifar100", CIFAR100, root, download)


def load_svhn(root: Path, download: bool) -> ImageData:
    """SVHN: 73,257 + 26,032 colour images of 32 x 32, the digits 0 to 9."""
    from torchvision.datasets import SVHN

    files = [root / "svhn" / SVHN.split_list[part][1] for part in ("train", "test")]
    parts = [
        _open("svhn", files, download, SVHN, root / "svhn", split=part)
        for part in ("train", "test")
    ]
    (train_x, train_y), (test_x, test_y) = (
        (torch.from_numpy(p.data), torch.from_numpy(p.labels).long()) for p in parts
    )
    return ImageData("svhn", train_x, train_y, test_x, test_y, [str(d) for d in range(10)])


def _cifar(name: str, kind: type, root: Path, download: bool) -> ImageData:
    folder = root / kind.base_folder
    files = [folder / entry[0] for entry in (*kind.train_list, *kind.test_list)]
    tree = root / f"{name}-jpeg"
    if tree.is_dir() and not download and not any(file.exists() for file in files):
        return from_folder(tree, CIFAR_SIDE)
    train, test = (
        _open(name, files, download, kind, root, train=is_train) for is_train in (True, False)
    )
    (train_x, train_y), (test_x, test_y) = (
        (torch.from_numpy(p.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(p.targets))
        for p in (train, test)
    )
    return ImageData(name, train_x, train_y, test_x, test_y, list(train.classes))


def _open(
    name: str, files: list[Path], download: bool, kind: Callable, root: Path, **part: object
) -> object:
    """One torchvision set; its checksum test decides between absent and damaged files."""
    try:
        return kind(root, download=download, **part)
    except RuntimeError as error:
        present = [f for f in files if f.exists()]
        if not present:
            raise missing(
                name, files[0].parent, f"copy torchvision's files there: {files[0].name}, ..."
            ) from error
        raise ValueError(
            f"{name} in {files[0].parent} is incomplete or corrupt: {len(present)} of {len(files)} "
            f"files are there and at least one is absent or fails its checksum; delete them and "
            f"load with download=True"
        ) from error

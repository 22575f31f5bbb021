"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): the full set and the embedded 12,000-image subset."""

from pathlib import Path

import numpy as np
import torch

from kit.datasets.data import ImageData
from kit.datasets.idx import read_idx
from kit.datasets.sources import missing

CLASSES = [
    "T-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
]  # fmt: skip
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # package dataset-fashion-mnist
MINI = Path(__file__).with_name("fashion_mnist_mini.npz")
MINI_PER_CLASS = {"train": 1000, "test": 200}


def load_full(root: Path, download: bool) -> ImageData:
    """The full set, 60,000 + 10,000 images of 28 x 28, from torchvision's folder or Debian's."""
    folders = (root / "FashionMNIST" / "raw", DEBIAN)
    if download:
        from torchvision.datasets import FashionMNIST  # slow to import

        FashionMNIST(root, download=True)
    for folder in folders:
        files = [_find(folder, part, what) for part in ("train", "t10k") for what in ("x", "y")]
        if all(files):
            train_x, train_y, test_x, test_y = map(read_idx, files)
            return ImageData(
                "fashion-mnist",
                train_x[:, None],
                train_y.long(),
                test_x[:, None],
                test_y.long(),
                CLASSES,
            )
    raise missing("fashion-mnist", folders[0], "apt install dataset-fashion-mnist")


def load_mini(root: Path, download: bool) -> ImageData:
    """The embedded subset: 1,000 training and 200 test images per class, no network needed."""
    with np.load(MINI, allow_pickle=False) as file:
        arrays = {key: torch.from_numpy(file[key]) for key in file.files}
    return ImageData(
        "fashion-mnist-mini",
        arrays["train_x"][:, None],
        arrays["train_y"].long(),
        arrays["test_x"][:, None],
        arrays["test_y"].long(),
        CLASSES,
    )


def make_mini(root: Path, target: Path = MINI) -> Path:
    """Cut the embedded subset out of the full set: the first images of each class, in file order.

    Running it again writes the same bytes.
    """
    full = load_full(root, download=False)
    arrays = {}
    for part, x, y in (("train", full.train_x, full.train_y), ("test", full.test_x, full.test_y)):
        rows = torch.cat(
            [(y == c).nonzero().flatten()[: MINI_PER_CLASS[part]] for c in range(len(CLASSES))]
        )
        rows = rows.sort().values
        arrays[f"{part}_x"] = x[rows, 0].numpy()
        arrays[f"{part}_y"] = y[rows].to(torch.uint8).numpy()
    np.savez_compressed(target, **arrays)
    return target


def _find(folder: Path, part: str, what: str) -> Path | None:
    """The file of one part ("train", "t10k"), images ("x") or labels ("y"), plain or gzipped."""
    stem = f"{part}-images-idx3-ubyte" if what == "x" else f"{part}-labels-idx1-ubyte"
    return next((p for p in (folder / stem, folder / f"{stem}.gz") if p.exists()), None)

"""Image data sets as uint8 tensors: ``load`` one by name, or make one ``from_folder``."""

from pathlib import Path

from kit.datasets.data import ImageData, from_tensors
from kit.datasets.fashion_mnist import fashion_mnist, fashion_mnist_mini
from kit.datasets.folder import from_folder
from kit.datasets.omniglot import omniglot_small
from kit.datasets.sources import data_root
from kit.datasets.torchvision_sets import cifar10, cifar100, svhn

__all__ = ["ImageData", "from_folder", "from_tensors", "load", "names"]

_LOADERS = {
    "fashion-mnist-mini": fashion_mnist_mini,
    "fashion-mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "svhn": svhn,
    "omniglot-small": omniglot_small,
}


def names() -> list[str]:
    """The data sets that ``load`` knows."""
    return list(_LOADERS)


def load(name: str, *, root: str | Path | None = None, download: bool = False) -> ImageData:
    """Load a data set into memory.

    Parameters
    ----------
    name : one of ``names()``; "fashion-mnist-mini" ships with the kit and needs no network.
    root : folder of the data, by default ``$KIT_DATA`` or a cache in the home folder.
    download : fetch the files first if they are absent.

    Raises
    ------
    ValueError : an unknown name, or files that are corrupt or truncated.
    FileNotFoundError : the files are not there; the message names three ways to get them.
    """
    if name not in _LOADERS:
        raise ValueError(f"unknown data set {name!r}; choose one of {', '.join(_LOADERS)}")
    return _LOADERS[name](data_root(root), download)

"""Image data sets as uint8 tensors: ``load`` one by name, or make one ``from_folder``,
``from_dataset`` or ``from_tensors``."""

from pathlib import Path

from kit.datasets import (
    caltech,
    celeba,
    faces,
    fashion_mnist,
    omniglot,
    photographs,
    tiny_imagenet,
    torchvision_sets,
)
from kit.datasets.activations import Activations
from kit.datasets.annotated import AnnotatedData
from kit.datasets.arrays import from_tensors
from kit.datasets.data import ImageData
from kit.datasets.folder import from_folder
from kit.datasets.from_dataset import from_dataset
from kit.datasets.sources import data_root
from kit.runtime.checks import known

__all__ = [
    "Activations", "AnnotatedData", "ImageData", "from_dataset", "from_folder", "from_tensors",
    "load", "names",
]  # fmt: skip

_LOADERS = {
    "fashion-mnist-mini": fashion_mnist.load_mini,
    "fashion-mnist": fashion_mnist.load_full,
    "cifar10": torchvision_sets.load_cifar10,
    "cifar100": torchvision_sets.load_cifar100,
    "caltech256": caltech.load_caltech256,
    "celeba": celeba.load_celeba,
    "celeba-46715": celeba.load_46715,
    "faces50": faces.load_faces50,
    "orl-faces": faces.load_orl,
    "tiny-imagenet": tiny_imagenet.load_tiny_imagenet,
    **photographs.LOADERS,
    "svhn": torchvision_sets.load_svhn,
    "omniglot-small": omniglot.load_small,
}


def names() -> list[str]:
    """The data sets that ``load`` knows."""
    return list(_LOADERS)


def load(name: str, *, root: str | Path | None = None, download: bool = False) -> ImageData:
    """Load a data set into memory.

    Parameters
    ----------
    name
        one of ``names()``; "fashion-mnist-mini" and "caltech-mini" ship with the kit.
    root
        folder of the data, by default ``$KIT_DATA`` or a cache in the home folder.
    download
        fetch the files first if they are absent.

    Raises
    ------
    ValueError
        an unknown name, or files that are corrupt or truncated.
    FileNotFoundError
        the files are not there; the message names three ways to get them.
    """
    known("data set", name, _LOADERS)
    return _LOADERS[name](data_root(root), download)

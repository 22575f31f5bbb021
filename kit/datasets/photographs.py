"""Photographs that have a name here: folders ``train/<class>/*``, or an archive of strips."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kit.datasets.data import ImageData
from kit.datasets.folder import from_folder
from kit.datasets.sources import missing, no_download
from kit.datasets.strips import read_strips, write_strips

MINI = Path(__file__).with_name("caltech_mini.tar")
MINI_SIDE = 64  # pixels
MINI_CLASSES = [  # without people
    "bonsai", "chandelier", "flamingo", "grand_piano", "ketch", "lotus", "pizza", "starfish",
    "sunflower", "trilobite",
]  # fmt: skip


@dataclass(frozen=True)
class Smaller:
    """A set cut out of a larger one: the archive that holds it, and what to do without."""

    archive: str
    without: str
    side: int  # pixels, to which the pictures of a folder are cut


SMALLER = {
    "cifar10-jpeg": Smaller(
        "", 'use the original, kit.datasets.load("cifar10", download=True)', 32
    ),
    "tinyimagenet100-jpeg": Smaller(
        "tinyimagenet100_32.tar", 'use all 200 classes, kit.datasets.load("tiny-imagenet")', 32
    ),
    "caltech101-128": Smaller(
        "caltech101_128.tar",
        "sort Caltech-101 into train and test, 30 and up to 20 of each class",
        128,
    ),
    "imagenette-128": Smaller(
        "imagenette_128.tar",
        'use all of it, kit.datasets.load("imagenette", download=True)',
        128,
    ),
    "imagewoof-128": Smaller(
        "imagewoof_128.tar", 'use all of it, kit.datasets.load("imagewoof")', 128
    ),
}


def load_smaller(name: str, root: Path, download: bool) -> ImageData:
    """One of ``SMALLER``: from the folder of its name, cut to uint8 ``[n, 3, side, side]``; else
    from its archive, as it is there.

    Raises
    ------
    FileNotFoundError
        neither is there, or half of the folder.
    ValueError
        a damaged archive; a folder that ``from_folder`` refuses.
    """
    this = SMALLER[name]
    folder, archive = root / name, root / this.archive if this.archive else None
    if folder.is_dir():
        return from_folder(folder, this.side, name=name)
    if archive is not None and archive.is_file():
        return read_strips(archive, name)
    raise no_download(name, folder, this.without, archive)


def load_caltech_mini(root: Path, download: bool) -> ImageData:
    """Ten classes of Caltech-101 (Fei-Fei, Fergus, Perona 2004): 30 + 20 photographs a class,
    uint8 ``[n, 3, 64, 64]``. It ships with the kit.

    Raises
    ------
    ValueError
        the archive in the kit is damaged.
    """
    return read_strips(MINI, "caltech-mini")


def make_caltech_mini(root: Path, target: Path = MINI) -> Path:
    """Cut the set that ships out of caltech101-128. Running it again writes the same bytes.

    Raises
    ------
    FileNotFoundError
        caltech101-128 is not there.
    ValueError
        it is damaged, or lacks one of the classes.
    """
    data = load_smaller("caltech101-128", root, download=False).resized(MINI_SIDE)
    labels = [data.classes.index(name) for name in MINI_CLASSES]
    pictures, files = {}, {}
    for name, label in zip(MINI_CLASSES, labels, strict=True):
        for part, x, y in (
            ("train", data.train_x, data.train_y),
            ("test", data.test_x, data.test_y),
        ):
            pictures[f"{part}/{name}"] = x[y == label]
        rows = (data.train_y == label).nonzero().flatten().tolist()
        files[f"train/{name}"] = [Path(data.train_files[row]).name for row in rows]
        files[f"test/{name}"] = [f"{n:02d}" for n in range(len(pictures[f"test/{name}"]))]
    return write_strips(target, pictures, files)


def load_imagenette(name: str, root: Path, download: bool) -> ImageData:
    """Imagenette or Imagewoof (fast.ai): ten classes of ImageNet, the middle, uint8
    ``[n, 3, 160, 160]``. What lies there in another size is used, not fetched anew.

    Raises
    ------
    FileNotFoundError
        no size is there, or half of one.
    ValueError
        a folder that ``from_folder`` refuses.
    """
    folders = [root / f"{name}2-160", root / f"{name}2-320", root / f"{name}2"]
    if download and name == "imagenette" and not any(folder.is_dir() for folder in folders):
        from torchvision.datasets import Imagenette  # slow to import

        Imagenette(root, size="160px", download=True)  # both parts
    there = next((folder for folder in folders if folder.is_dir()), None)
    if there is None:
        how = f"unpack fast.ai's {folders[0].name}.tgz into {root}"
        raise (missing if name == "imagenette" else no_download)(name, folders[0], how)
    return from_folder(there, 160, name=name, test="val")


LOADERS = {
    "caltech-mini": load_caltech_mini,
    **{name: partial(load_smaller, name) for name in SMALLER},
    **{name: partial(load_imagenette, name) for name in ("imagenette", "imagewoof")},
}

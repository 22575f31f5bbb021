"""Caltech-256 (Griffin, Holub, Perona 2007): photographs of 257 kinds of objects, in many sizes."""

from pathlib import Path

from kit.datasets.data import ImageData
from kit.datasets.listing import index_classes
from kit.datasets.reading import read_images
from kit.datasets.sources import missing

IMAGE_SIZE = 224  # pixels
TRAIN_IMAGES = 60  # of each class, the first by name; the rest test


def load_caltech256(root: Path, download: bool) -> ImageData:
    """Squeezed to 224 x 224; takes 5 GB of memory."""
    folder = root / "caltech256" / "256_ObjectCategories"
    if download:
        from torchvision.datasets import Caltech256  # slow to import

        Caltech256(root, download=True)
    if not folder.is_dir():
        raise missing("caltech256", folder, f"unpack 256_ObjectCategories.tar into {folder.parent}")
    index, _ = index_classes(folder)
    small = sorted(name for name, files in index.items() if len(files) <= TRAIN_IMAGES)
    if small:
        raise ValueError(f"{folder} has no more than {TRAIN_IMAGES} images of {', '.join(small)}")
    classes = sorted(index)
    train, test = (
        read_images(
            {k: v[part] for k, v in index.items()}, classes, IMAGE_SIZE, False, resize="squash"
        )
        for part in (slice(None, TRAIN_IMAGES), slice(TRAIN_IMAGES, None))
    )
    return ImageData("caltech256", *train, *test, classes)

"""Any image set that is a tree of folders: train/<class>/*, test/<class>/*."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from kit.datasets.data import ImageData
from kit.runtime.progress import progress

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"}


def from_folder(
    path: str | Path, image_size: int | None = None, *, name: str | None = None, grey: bool = False
) -> ImageData:
    """Read ``path/train/<class>/*`` and ``path/test/<class>/*`` into memory.

    Parameters
    ----------
    image_size
        side in pixels to resize every image to; None keeps the size, which must then be
        the same square for all.
    name
        name for the records, by default the folder's.
    grey
        one channel in place of three.

    Raises
    ------
    FileNotFoundError
        ``train`` or ``test`` is not there.
    ValueError
        no classes, a class without images, different classes in the two parts, a file
        that cannot be read as an image, sizes that differ.
    """
    path = Path(path)
    parts = {part: index_classes(path / part) for part in ("train", "test")}
    classes = sorted(parts["train"])
    if set(classes) != set(parts["test"]):
        odd = sorted(set(classes) ^ set(parts["test"]))
        raise ValueError(f"{path}: train and test must hold the same classes; only in one: {odd}")
    tensors = [read_images(parts[part], classes, image_size, grey) for part in ("train", "test")]
    (train_x, train_y), (test_x, test_y) = tensors
    return ImageData(name or path.name, train_x, train_y, test_x, test_y, classes)


def load_cifar10_jpeg(root: Path, download: bool) -> ImageData:
    """CIFAR-10 saved as JPEG files of quality 75: not the original, and its numbers are its own."""
    path = root / "cifar10-jpeg"
    if not path.is_dir():
        raise FileNotFoundError(
            f"cifar10-jpeg is not on this machine (looked in {path}) and cannot be downloaded. "
            f'Three ways on: (1) use the original, kit.datasets.load("cifar10", download=True); '
            f"(2) save it as {path}/train/<class>/*.jpg and test/<class>/*.jpg, quality 75; "
            f"(3) set KIT_DATA or pass root= to name the folder that holds cifar10-jpeg/."
        )
    return from_folder(path)


def index_classes(folder: Path) -> dict[str, list[Path]]:
    """Class name -> its image files, sorted by name."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is not there; from_folder needs train/<class>/* and test/<class>/*"
        )
    classes = {
        d.name: sorted(f for f in d.iterdir() if f.suffix.lower() in SUFFIXES)
        for d in folder.iterdir()
        if d.is_dir()
    }
    empty = sorted(name for name, files in classes.items() if not files)
    if not classes or empty:
        raise ValueError(f"{folder} has no images in {empty or 'any class folder'}")
    return classes


def read_images(
    index: dict[str, list[Path]], classes: list[str], image_size: int | None, grey: bool
) -> tuple[Tensor, Tensor]:
    """Class name -> files, as uint8 images ``[N, channels, S, S]`` and labels ``[N]``."""
    files = [(file, label) for label, name in enumerate(classes) for file in index[name]]
    images = []
    for file, _ in progress(files, "reading images"):
        try:
            with Image.open(file) as image:
                image = image.convert("L" if grey else "RGB")
                if image_size is not None:
                    image = image.resize((image_size, image_size), Image.Resampling.BILINEAR)
                pixels = torch.from_numpy(np.array(image))
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"{file} cannot be read as an image: {error}") from error
        pixels = pixels[None] if grey else pixels.permute(2, 0, 1)
        if pixels.shape[1:] != (pixels.shape[1],) * 2 or images and pixels.shape != images[0].shape:
            raise ValueError(
                f"{file} is {pixels.shape[2]}x{pixels.shape[1]}; all images must be squares of one "
                f"size: pass image_size= to resize them"
            )
        images.append(pixels)
    return torch.stack(images), torch.tensor([label for _, label in files])

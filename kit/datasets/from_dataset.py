"""Data sets of other libraries: torch's and torchvision's ``Dataset``, tables of Hugging Face."""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from filelock import FileLock
from PIL import Image
from torch import Tensor

from kit.datasets import store
from kit.datasets.amount import beyond_memory
from kit.datasets.arrays import numbered
from kit.datasets.data import ImageData
from kit.datasets.items import Items, items
from kit.datasets.mapped import chunks
from kit.datasets.pictures import pixels
from kit.datasets.reading import check_settings, refuse_other_size
from kit.runtime.progress import progress


def from_dataset(
    train: object,
    test: object,
    *,
    name: str = "dataset",
    image_size: int | None = None,
    classes: Sequence[str] | None = None,
    resize: str = "crop",
    grey: bool = False,
    in_memory: bool | None = None,
    image: str | None = None,
    label: str | None = None,
) -> ImageData:
    """Read each item of two data sets once, as ``kit.datasets.from_folder`` reads files.

    Give data sets without random transforms and without a normalisation: each picture is read
    once, and ``kit.fit`` augments.

    Parameters
    ----------
    train, test
        map-style data sets of torch or torchvision, or lists, whose items are pairs of an image
        and a label; or tables of Hugging Face's ``datasets``. An image is Pillow's, a tensor
        ``[channels, height, width]`` or an array ``[height, width, channels]``, of whole numbers
        0 to 255 or floats 0 to 1. A label is a whole number from 0 on.
    name
        name for the records.
    image_size, resize, grey, in_memory
        as for ``kit.datasets.from_folder``. Pixels in a file are read again by each call.
    classes
        class names; by default those that the data sets tell, else "0", "1", ... up to the largest
        label.
    image, label
        the columns of a table, where they are not the only ones of their kind.

    Raises
    ------
    ValueError
        a stream or several parts in one, an item that is no image with a label, a label without
        a name, class names that differ between the two, sizes that differ, pixels for a file
        without ``image_size``.
    OSError
        no space is left for the file of the pixels.
    """
    check_settings(image_size, resize, "raise")
    both = [items("training", train, image, label), items("test", test, image, label)]
    how = _How(image_size, resize, grey)
    (train_x, train_y), (test_x, test_y) = (_read(part, how, in_memory) for part in both)
    return ImageData(
        name, train_x, train_y, test_x, test_y, _names(both, classes, torch.cat([train_y, test_y]))
    )


@dataclass(frozen=True)
class _How:
    """What becomes of a picture."""

    image_size: int | None
    resize: str
    grey: bool

    def pixels(self, picture: Image.Image) -> Tensor:
        return pixels(picture, self.image_size, grey=self.grey, resize=self.resize)


def _read(part: Items, how: _How, in_memory: bool | None) -> tuple[Tensor, Tensor]:
    """All pictures of a part, in memory or in a file, and their labels."""
    first, labels = how.pixels(part.pair(0)[0]), torch.zeros(len(part), dtype=torch.int64)

    def read(at: int) -> Tensor:
        picture, labels[at] = part.pair(at)
        image = how.pixels(picture)
        refuse_other_size(f"item {at} of the {part.part} set", image, first)
        return image

    shape = tuple(first.shape)
    if beyond_memory(len(part), shape, how.image_size, in_memory):
        return _in_a_file(part, shape, read, how), labels
    images = torch.empty((len(part), *shape), dtype=torch.uint8)
    for at in progress(range(len(part)), "reading images"):
        images[at] = read(at)
    return images, labels


def _in_a_file(
    part: Items, shape: tuple[int, int, int], read: Callable[[int], Tensor], how: _How
) -> Tensor:
    """The pictures in a file that is named by them: nothing else tells data sets apart."""
    unnamed = store.place("unnamed", part.part, len(part), asdict(how))
    unnamed.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{unnamed}.busy"):
        shutil.rmtree(unnamed, ignore_errors=True)  # of a process that was killed
        made = store.Pictures(unnamed, len(part), shape, read, threads=1)
        try:
            made.made()
            digest = hashlib.sha256()
            for some in chunks(made.part(0, len(part)), "hashing pixels"):
                digest.update(some.numpy())
            named = replace(made, folder=store.place("named", shape, digest.hexdigest()))
            with FileLock(f"{named.folder}.lock"):
                if not named.folder.exists():
                    unnamed.rename(named.folder)
        finally:
            shutil.rmtree(unnamed, ignore_errors=True)
    named.made()  # one that was there before may be damaged
    return named.part(0, len(part))


def _names(both: list[Items], given: Sequence[str] | None, labels: Tensor) -> list[str]:
    """The class names that are given, that both parts tell, or numbers."""
    if given is not None:
        if isinstance(given, str | Mapping):
            raise ValueError(f"classes must be a list of names, got {given!r:.60}")
        return list(given)
    train, test = (part.classes for part in both)
    if train and test and train != test:
        odd = sorted(set(train) ^ set(test))
        raise ValueError(
            f"the training and the test set name different classes; only in one: {odd or 'none'}, "
            f"so their labels do not agree: pass classes= only if they do"
        )
    return train or test or numbered(labels)

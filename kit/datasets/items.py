"""What data sets of other libraries yield, as a picture of Pillow's and a class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import IterableDataset

CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Items:
    """A part of a data set, item by item.

    Parameters
    ----------
    part
        "training" or "test", for sentences.
    source
        a torch ``Dataset``, or a table of Hugging Face's.
    image, label
        the columns of a table; None of a torch ``Dataset``.
    """

    part: str
    source: object
    image: str | None = None
    label: str | None = None

    def __len__(self):
        return len(self.source)

    def pair(self, at: int) -> tuple[Image.Image, int]:
        """The picture and its class.

        Raises
        ------
        ValueError
            the item is something else; the sentence names it.
        """
        try:
            item = self.source[at]
            if self.image is not None:
                item = item[self.image], item[self.label]
            if not isinstance(item, Sequence) or len(item) != 2:
                raise ValueError(f"it must be a pair of image and label, got {_kind(item)}")
            return as_picture(item[0]), _as_label(item[1])
        except Exception as error:  # somebody else's code raises anything
            said = str(error) or type(error).__name__
            raise ValueError(f"item {at} of the {self.part} set cannot be used: {said}") from error

    @property
    def classes(self) -> list[str] | None:
        """The names of the classes, where the data set knows them."""
        if self.image is not None:
            return getattr(self.source.features[self.label], "names", None)
        within = self.source
        while within is not None and not hasattr(within, "classes"):
            within = getattr(within, "dataset", None)  # a torch Subset has its data set in it
        names = getattr(within, "classes", None)
        return None if names is None else [str(name) for name in names]


def items(part: str, source: object, image: str | None, label: str | None) -> Items:
    """A part of a data set, after a look at what it is.

    Raises
    ------
    ValueError
        several parts in one, a stream, nothing at all, columns that are not there or not found.
    """
    if isinstance(source, Mapping):
        raise ValueError(
            f"the {part} set holds several parts, {', '.join(map(str, source))}: pass one of them"
        )
    indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    if isinstance(source, IterableDataset) or not indexed:
        raise ValueError(
            f"the {part} set must have a length and items by number, got {_kind(source)}; of a "
            f"stream take as many as there is room for into a list of (image, label)"
        )
    if not len(source):
        raise ValueError(f"the {part} set is empty")
    features = getattr(source, "features", None)
    if not isinstance(features, Mapping):
        return Items(part, source)
    return Items(
        part, source, _column(part, features, image, "Image", "image"),
        _column(part, features, label, "ClassLabel", "label"),
    )  # fmt: skip


def as_picture(image: object) -> Image.Image:
    """An image as Pillow has it, turned as its camera says.

    Tensors have their channels first, arrays last, unless only the other way fits. Whole numbers
    are 0 to 255, floats 0 to 1.

    Raises
    ------
    ValueError
        no picture, or values out of range.
    """
    if isinstance(image, Image.Image):
        return ImageOps.exif_transpose(image)  # a copy: somebody else's picture stays as it is
    if not isinstance(image, Tensor | np.ndarray):
        raise ValueError(f"an image must be of Pillow, a tensor or an array, got {_kind(image)}")
    first = isinstance(image, Tensor)
    values = image.detach().cpu().numpy() if first else image
    shape = values.shape
    if values.ndim == 3:
        ends = (shape[0] in CHANNELS, shape[-1] in CHANNELS)
        if not any(ends):
            raise ValueError(f"an image must have 1, 3 or 4 channels, got shape {tuple(shape)}")
        if ends[0] and (first or not ends[1]):
            values = values.transpose(1, 2, 0)
        values = values[..., 0] if values.shape[-1] == 1 else values
    if values.ndim != 2 and values.ndim != 3 or not values.size:
        raise ValueError(f"an image has two or three dimensions, got shape {tuple(shape)}")
    return Image.fromarray(_bytes(values))


def _bytes(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if values.dtype.kind not in "iuf":
        raise ValueError(f"pixels must be numbers, got {values.dtype}")
    floats = values.dtype.kind == "f"
    low, high, most = float(values.min()), float(values.max()), 1 if floats else 255
    if not 0 <= low <= high <= most:  # NaN is refused, too
        raise ValueError(
            f"{'floats' if floats else 'whole numbers'} must lie in [0, {most}], found "
            f"[{low:.3g}, {high:.3g}]; leave out a normalisation, the kit has its own"
        )
    return np.ascontiguousarray(values * 255 if floats else values).round().astype(np.uint8)


def _as_label(label: object) -> int:
    """A class as a number."""
    if isinstance(label, Tensor | np.ndarray) and label.ndim == 0:
        label = label.item()
    if not isinstance(label, Integral) or isinstance(label, bool):
        raise ValueError(f"a label must be a whole number, got {_kind(label)}")
    if label < 0:
        raise ValueError(f"its label is {label}, as of a set whose classes are not told")
    return int(label)


def _column(part: str, features: Mapping, name: str | None, kind: str, option: str) -> str:
    """The column of a table that was named, or the only one of a kind."""
    if name is not None:
        if name not in features:
            raise ValueError(
                f"the {part} set has no column {name!r}; choose of {', '.join(features)}"
            )
        return name
    found = [of for of, feature in features.items() if type(feature).__name__ == kind]
    if len(found) != 1:
        raise ValueError(
            f"the {part} set has {len(found)} columns of kind {kind}, of {', '.join(features)}: "
            f"name one by {option}="
        )
    return found[0]


def _kind(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__name__}"

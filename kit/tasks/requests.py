"""What a request names: classes by name or index, images by index or mask."""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from kit.datasets import ImageData

Classes = str | int | Iterable[str | int]
Rows = int | Iterable[int] | Tensor | np.ndarray  # of the training images, or a mask of them all


def class_indices(data: ImageData, asked: Classes, argument: str) -> list[int]:
    """The indices of the classes that are named, sorted; there may be none.

    A text is always a class's name, never a number: "2" is the class called 2.

    Raises
    ------
    ValueError
        a name or an index that does not exist, a class twice, or something else.
    """
    named = _items(asked, argument)
    found = [_by_name(data, c, argument) if isinstance(c, str) else c for c in named]
    _refuse_other_than_indices(found, argument)
    wrong = [c for c in found if not 0 <= c < data.num_classes]
    if wrong:
        allowed = f"0..{data.num_classes - 1}"
        raise ValueError(f"{argument} {wrong} do not exist: {data.name} has classes {allowed}")
    if len(set(found)) != len(found):
        raise ValueError(f"{argument} {named} names a class more than once")
    return sorted(found)


def row_mask(data: ImageData, rows: Rows, argument: str) -> Tensor:
    """The training images that are named by index or mask as a mask, bool ``[n]``.

    Raises
    ------
    ValueError
        an index that does not exist or comes twice, a mask of another length, or something else.
    """
    n = len(data.train_y)
    found = _items(rows, argument)
    if found and all(isinstance(i, bool) for i in found):
        if len(found) != n:
            raise ValueError(f"{argument} is a mask of {len(found)} entries for {n} images")
        return torch.tensor(found)
    _refuse_other_than_indices(found, argument)
    if found and not 0 <= min(found) <= max(found) < n:
        raise ValueError(f"{argument} must lie in 0..{n - 1}, got {min(found)}..{max(found)}")
    if len(set(found)) != len(found):
        hint = "; a mask must be of bools" if set(found) == {0, 1} else ""
        raise ValueError(f"{argument} holds an index more than once{hint}")
    mask = torch.zeros(n, dtype=torch.bool)
    mask[torch.tensor(found, dtype=torch.long)] = True
    return mask


def trained_mask(data: ImageData, within: Rows | None) -> Tensor:
    """The training images that were trained on, bool ``[n]``: those of ``within``, or all."""
    if within is None:
        return torch.ones(len(data.train_y), dtype=torch.bool)
    trained = row_mask(data, within, "within")
    if not trained.any():
        raise ValueError("within names no image: nothing was trained on")
    return trained


def _items(asked: object, argument: str) -> list:
    """What is named, one by one, as Python holds it."""
    if isinstance(asked, str | Integral) or getattr(asked, "ndim", None) == 0:
        asked = [asked]
    if isinstance(asked, bytes | Mapping) or not isinstance(asked, Iterable):
        raise ValueError(f"{argument} must be indices, a mask or names, got {asked!r:.60}")
    if getattr(asked, "ndim", 1) > 1:
        raise ValueError(f"{argument} must be a list, got an array of shape {tuple(asked.shape)}")
    if isinstance(asked, Tensor | np.ndarray):
        return asked.tolist()
    return [i.item() if getattr(i, "ndim", None) == 0 else i for i in asked]


def _refuse_other_than_indices(found: list, argument: str) -> None:
    odd = [i for i in found if isinstance(i, bool) or not isinstance(i, Integral)]
    if odd:
        raise ValueError(f"{argument} must be whole numbers, got {odd[0]!r:.60}")


def _by_name(data: ImageData, name: str, argument: str) -> int:
    """The index of the class of this name, however its accents are composed."""
    names = [unicodedata.normalize("NFC", str(c)) for c in data.classes]
    wanted = unicodedata.normalize("NFC", name)
    if wanted in names:
        return names.index(wanted)
    folded = [c.casefold() for c in names]
    alike = set(difflib.get_close_matches(wanted.strip().casefold(), folded))
    close = [c for c, fold in zip(names, folded, strict=True) if fold in alike] or names[:5]
    raise ValueError(
        f"{argument}: {data.name} has no class called {name!r}; close to it: {', '.join(close)}"
    )

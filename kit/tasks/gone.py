"""``Gone``: what earlier requests have taken out of the data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from kit.datasets import ImageData


@dataclass(frozen=True, eq=False)
class Gone:
    """What earlier requests have taken out: it is in no split of a later one.

    Parameters
    ----------
    classes
        whole classes, with their test images.
    rows
        single training images, a mask of all, bool ``[n]``; None for none.
    """

    classes: tuple[int, ...] = ()
    rows: Tensor | None = None

    def train(self, data: ImageData) -> Tensor:
        """The training images that are gone, bool ``[n]``."""
        of_classes = torch.isin(data.train_y, torch.tensor(self.classes, dtype=torch.long))
        return of_classes if self.rows is None else of_classes | self.rows

    def test(self, data: ImageData) -> Tensor:
        """The test images that are gone, bool ``[n]``."""
        return torch.isin(data.test_y, torch.tensor(self.classes, dtype=torch.long))

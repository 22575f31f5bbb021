"""``AnnotatedData``: images with attributes beside their class."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kit.datasets.data import ImageData


@dataclass(frozen=True, eq=False, repr=False)
class AnnotatedData(ImageData):
    """Images with a class and with yes/no attributes.

    Parameters
    ----------
    attributes
        names of the k attributes.
    train_a, test_a
        int64 ``[n, k]`` of 0 (absent) and 1 (present).

    Raises
    ------
    ValueError
        as ``ImageData``; annotations of another length, of another width, or not 0 and 1.
    """

    attributes: tuple[str, ...] = ()
    train_a: Tensor = None
    test_a: Tensor = None

    def __post_init__(self):
        super().__post_init__()
        for part, values, labels in (
            ("training", self.train_a, self.train_y),
            ("test", self.test_a, self.test_y),
        ):
            if values is None or values.dtype != torch.int64:
                raise ValueError(f"{part} annotations must be an int64 tensor of 0 and 1")
            expected = (len(labels), len(self.attributes))
            if tuple(values.shape) != expected:
                raise ValueError(
                    f"{part} annotations must have shape {expected}, a row for each image and a "
                    f"column for each attribute; got {tuple(values.shape)}"
                )
            if not torch.isin(values, torch.tensor([0, 1])).all():
                found = values.unique().tolist()
                raise ValueError(f"{part} annotations must be 0 and 1, found {found[:5]}")

    def with_target(self, attribute: str) -> "AnnotatedData":
        """The same images, to be classified by this attribute.

        Raises
        ------
        ValueError
            an attribute that the data do not have.
        """
        if attribute not in self.attributes:
            raise ValueError(
                f"{self.name} has no attribute {attribute!r}; choose of "
                f"{', '.join(self.attributes)}"
            )
        column = self.attributes.index(attribute)
        return replace(
            self, train_y=self.train_a[:, column].clone(), test_y=self.test_a[:, column].clone(),
            classes=[f"not {attribute}", attribute],
        )  # fmt: skip

    def _training(self, part: str, rows: Tensor) -> dict[str, Tensor]:
        return super()._training(part, rows) | {f"{part}_a": self.train_a[rows]}

"""``Split``: some rows of a data set's tensors, the unit that training and metrics take."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kit.datasets.mapped import Mapped, chunks, remembered


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images.

    Parameters
    ----------
    pixels
        uint8 ``[N, channels, height, width]`` of the whole set, in memory or in a file, or
        float32 that is already in the network's input space (synthetic images).
    targets
        int64 ``[N]``.
    rows
        int64 ``[n]``, the rows of ``pixels`` that belong to this split.
    mean, std
        ``[channels]``, the data set's statistics in [0, 1]; float images ignore them.
    num_classes
        number of classes of the data set.
    kind
        what the images are, by which passes over them are counted: "train", "retain",
        "forget", "test" or "synthetic".
    """

    pixels: Tensor
    targets: Tensor
    rows: Tensor
    mean: Tensor
    std: Tensor
    num_classes: int
    kind: str

    def __len__(self):
        return len(self.rows)

    @property
    def x(self) -> Tensor:
        """A copy of the images as stored: uint8 or float32 ``[n, channels, height, width]``."""
        return self.pixels[self.rows]

    @property
    def y(self) -> Tensor:
        """The labels of this split, int64 ``[n]``."""
        return self.targets[self.rows]

    def take(self, positions: Tensor) -> "Split":
        """The images at these positions (indices or a mask within this split)."""
        return replace(self, rows=self.rows[positions])

    def of_classes(self, classes: list[int]) -> "Split":
        """The images whose label is one of ``classes``."""
        return self.take(torch.isin(self.y, torch.tensor(classes)))

    def per_class(self, count: int, seed: int) -> "Split":
        """At most ``count`` images of each class, drawn at random with this seed."""
        return self.take(draw_from_each(self.y, lambda n: count, seed))

    def fraction(self, share: float, seed: int) -> "Split":
        """This share (0 to 1) of the images of each class, at least one, drawn with this seed."""
        return self.take(draw_from_each(self.y, lambda n: max(1, round(share * n)), seed))

    def alone(self) -> "Split":
        """The same images without the rest of their data set: less to send to another process.
        Of pixels in a file no copy is made, as only the file's name is sent."""
        if isinstance(self.pixels, Mapped):
            return self
        return replace(self, pixels=self.x, targets=self.y, rows=torch.arange(len(self)))

    def labelled(self, labels: Tensor, num_classes: int | None = None) -> "Split":
        """The same images with other labels, int64 ``[n]``, for as many outputs as now or as said.
        Labels beyond the outputs are for a loss of one's own."""
        targets = torch.zeros_like(self.targets)
        targets[self.rows] = labels
        return replace(self, targets=targets, num_classes=num_classes or self.num_classes)

    def fingerprint(self) -> str:
        """Hash of the pixels behind the split: views of one data set differ in nothing else."""
        return remembered([self.pixels], "pixels", self._hash)

    def _hash(self) -> str:
        digest = hashlib.sha256()
        for some in chunks(self.pixels, "hashing pixels"):
            digest.update(some.contiguous().numpy())
        return digest.hexdigest()[:16]

    def inputs(self) -> Tensor:
        """All images in the network's input space: float32, normalised per channel. Of many images
        take a few at a time."""
        return normalise(self.x, self.mean, self.std)


def draw_from_each(labels: Tensor, count: Callable[[int], int], seed: int) -> Tensor:
    """Positions, sorted, of a random draw: ``count(n)`` of each class's ``n`` images."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    shuffled = labels[order]
    classes = (order[shuffled == c] for c in labels.unique())
    return torch.cat([of_class[: count(len(of_class))] for of_class in classes]).sort().values


def same_mix(pool: Split, like: Split, seed: int = 0) -> Split:
    """As many images of ``pool`` as can be had in the class proportions of ``like``.

    Raises
    ------
    ValueError
        a class of ``like`` that has no image in ``pool``.
    """
    wanted = torch.bincount(like.y, minlength=like.num_classes).double()
    there = torch.bincount(pool.y, minlength=like.num_classes).double()
    if ((wanted > 0) & (there == 0)).any():
        raise ValueError("no non-members of the same classes: a forgotten class has no test image")
    scale = (there[wanted > 0] / wanted[wanted > 0]).min()
    counts = (wanted * scale).round().long()
    order = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))
    labels = pool.y[order]
    keep = [order[labels == c][: counts[c]] for c in range(len(counts))]
    return pool.take(torch.cat(keep).sort().values)


def normalise(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """uint8 images -> float32 ``(x / 255 - mean) / std``; float images pass unchanged."""
    if x.is_floating_point():
        return x
    scale, shift = 1 / (255 * std), mean / std
    return x * scale.view(1, -1, 1, 1) - shift.view(1, -1, 1, 1)


def synthetic(like: Split, x: Tensor, y: Tensor) -> Split:
    """A split of made images: float32 ``x`` in the input space of the split ``like``."""
    x, y = x.detach().float().cpu(), y.detach().long().cpu()
    return replace(like, pixels=x, targets=y, rows=torch.arange(len(y)), kind="synthetic")

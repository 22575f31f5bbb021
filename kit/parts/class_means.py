"""Class means of channels: what a holder of images reports to class-discriminative pruning.

Wang et al., "Federated Unlearning via Class-Discriminative Pruning", WWW 2022 (arXiv:2110.11794).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.models.channels import convolutions_of
from kit.models.hooks import listening
from kit.runtime.checks import one_of
from kit.runtime.device import device
from kit.training import infer
from kit.training.augment import Augment


@dataclass(frozen=True)
class ClassMeans:
    """Mean activation of every channel on the images of every class.

    ``means``: layer name -> float32 ``[classes, channels]``, rows of 0 for absent classes;
    ``counts``: images of each class, int64 ``[classes]``.
    """

    means: dict[str, Tensor]
    counts: Tensor

    @property
    def bytes(self) -> int:
        """What sending the means takes: 4 bytes each, and 4 for each count."""
        return 4 * (sum(m.numel() for m in self.means.values()) + len(self.counts))


def class_means(
    model: nn.Module, split: Split, augment: Augment | None = None, seed: int = 0, clip: float = 0.0
) -> ClassMeans:
    """What a holder of images reports: ``GAP(ReLU(conv(x)))``, averaged over each class.

    The raw output of each convolution, before BatchNorm; the network runs in eval mode. With
    ``clip`` the activations of an image have at most this L2 norm in each layer.

    Raises
    ------
    ValueError
        a network without convolutions, or no images.
    """
    convolutions = convolutions_of(model)
    if not len(split):
        raise ValueError("there are no images to take class means of")
    labels = split.y
    counts = torch.bincount(labels, minlength=split.num_classes)
    sums: dict[str, Tensor] = {}
    members: Tensor  # [classes, B] of the batch under way
    done = 0

    def add(name: str, inputs: tuple, output: Tensor) -> None:
        activation = output.relu().mean((2, 3)).to(members)  # [B, channels]
        if clip:
            activation = activation.renorm(2, 0, clip)
        sums[name] = sums.get(name, 0) + members @ activation

    draw = torch.Generator(device()).manual_seed(seed)

    def forward(x: Tensor) -> Tensor:
        nonlocal members, done
        y = labels[done : done + len(x)]
        members = (torch.arange(split.num_classes)[:, None] == y).double()
        done += len(x)
        return model(augment(x, draw, split.mean, split.std) if augment else x)

    with listening(model, convolutions, add):
        infer(model, forward, split)
    divisor = counts.clamp(min=1)[:, None]
    return ClassMeans({k: (s / divisor).float() for k, s in sums.items()}, counts)


def pooled(reports: list[ClassMeans], weights: str = "counts") -> ClassMeans:
    """The mean of several reports.

    ``weights="counts"`` gives exactly the class means of all images together, however they are
    spread. ``"equal"`` is the plain average of the paper, in which a client that does not hold a
    class contributes a row of zeros.
    """
    one_of("weights", weights, ("counts", "equal"))
    counts = torch.stack([r.counts for r in reports])  # [clients, classes]
    total = counts.sum(0)
    share = counts.double() / total.clamp(min=1)
    if weights == "equal":
        share = torch.full_like(share, 1 / len(reports))
    means = {}
    for name in reports[0].means:
        stack = torch.stack([r.means[name] for r in reports]).double()  # [clients, classes, chan.]
        means[name] = (share[:, :, None] * stack).sum(0).float()
    return ClassMeans(means, total)

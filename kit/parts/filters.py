"""Image filters, which darken the pixels in which a feature is seen; a remover learns to."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.parts.distillation import answers
from kit.runtime.device import seeded
from kit.training import Loss

OPEN = 3.0  # bias of the last layer: the mask of a fresh remover is about 0.95 everywhere


class ImageFilter(nn.Module):
    """``x -> x * mask(x)`` on pixels in [0, 1], from network inputs to network inputs.

    Parameters
    ----------
    mean, std
        ``[C]``, how network inputs were normalised.
    renormalise
        False hands pixels in [0, 1] to the network, whatever range it was trained on.
    """

    def __init__(self, mean: Tensor, std: Tensor, renormalise: bool = True):
        super().__init__()
        self.register_buffer("mean", mean.view(1, -1, 1, 1).clone())
        self.register_buffer("std", std.view(1, -1, 1, 1).clone())
        self.renormalise = renormalise

    def mask(self, x: Tensor) -> Tensor:
        """What is kept of each pixel: ``[B, 1 or C, S, S]`` in [0, 1]."""
        raise NotImplementedError

    def pixels(self, x: Tensor) -> Tensor:
        """Network inputs as pixels in [0, 1]."""
        return x * self.std + self.mean

    def show(self, pixels: Tensor) -> Tensor:
        """Pixels in [0, 1] as what the network is given."""
        return (pixels - self.mean) / self.std if self.renormalise else pixels

    def forward(self, x: Tensor) -> Tensor:
        return self.show(self.pixels(x) * self.mask(x))


def through(image_filter: ImageFilter) -> Loss:
    """Cross-entropy on filtered training images; the filter stays as it is."""

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        shown = answers(image_filter.eval(), x, "train")
        return F.cross_entropy(model(shown).float(), y)

    return loss


class Remover(ImageFilter):
    """A filter whose mask is a small U-Net's.

    A mask of one channel can only darken; it can't change a hue. With three channels it weakens
    each colour on its own.

    Parameters
    ----------
    mean, std
        ``[C]``, how network inputs were normalised.
    channels
        of the mask: 1, or C.
    width
        channels of the first layer, twice as many below.
    renormalise
        False hands pixels in [0, 1] to the network, whatever range it was trained on, as the
        published code does.

    Raises
    ------
    ValueError
        masks of another number of channels.
    """

    def __init__(self, mean: Tensor, std: Tensor, *, channels: int = 1, width: int = 16,
                 renormalise: bool = True):  # fmt: skip
        super().__init__(mean, std, renormalise)
        if channels not in (1, len(mean)):
            raise ValueError(f"a mask has 1 or {len(mean)} channels, got {channels}")
        self.down1 = nn.Sequential(nn.Conv2d(len(mean), width, 4, 2, 1), nn.LeakyReLU(0.2))
        self.down2 = _block(width, 2 * width, 4, 2, 1)
        self.middle = _block(2 * width, 2 * width, 3, 1, 1)
        self.up2 = _block(2 * width, width, 3, 1, 1)
        self.up1 = _block(2 * width, width, 3, 1, 1)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.constant_(self.last.bias, OPEN)

    def mask(self, x: Tensor) -> Tensor:
        """What is kept of each pixel: ``[B, channels, S, S]`` in [0, 1]."""
        shallow = self.down1(x)
        deep = self.middle(self.down2(shallow))
        deep = self.up2(_enlarge(deep, shallow))
        deep = self.up1(_enlarge(torch.cat([deep, shallow], 1), x))
        return torch.sigmoid(self.last(deep).float())


def make_remover(split: Split, *, seed: int, **options) -> Remover:
    """A fresh remover for the images of a split; same seed, same weights."""
    with seeded(seed):
        return Remover(split.mean, split.std, **options)


def _block(inputs: int, outputs: int, size: int, stride: int, padding: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))


def _enlarge(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[2:], mode="bilinear")

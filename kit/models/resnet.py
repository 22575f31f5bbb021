"""CIFAR ResNets (He et al. 2016, section 4.2): depth 6n + 2, shortcuts without parameters."""

import torch.nn.functional as F
from torch import Tensor, nn

from kit.models.base import Classifier


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and an option-A shortcut: subsample, then pad the channels with 0."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.act1, self.act2 = nn.ReLU(), nn.ReLU()
        self.stride, self.new_channels = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:  # [B, inputs, S, S] -> [B, outputs, S/stride, S/stride]
        y = self.act1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.stride > 1 or self.new_channels:
            x = x[:, :, :: self.stride, :: self.stride]
            x = F.pad(x, (0, 0, 0, 0, 0, self.new_channels))
        return self.act2(x + y)


class ResNet(Classifier):
    """``depth`` = 8, 20, 32, 44 or 56; ``width`` channels in the first stage, doubled twice."""

    def __init__(self, depth: int, in_channels: int, num_classes: int, width: int = 16):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.stage1 = self._stage(width, width, 1, blocks)
        self.stage2 = self._stage(width, 2 * width, 2, blocks)
        self.stage3 = self._stage(2 * width, 4 * width, 2, blocks)
        self.head = nn.Linear(4 * width, num_classes)
        self.stages = ["stage1", "stage2", "stage3"]
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _stage(inputs: int, outputs: int, stride: int, blocks: int) -> nn.Sequential:
        first = BasicBlock(inputs, outputs, stride)
        return nn.Sequential(first, *(BasicBlock(outputs, outputs, 1) for _ in range(blocks - 1)))

    def features(self, x: Tensor) -> Tensor:
        x = self.act(self.bn(self.conv(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        return x.mean((2, 3))  # [B, 4 * width]

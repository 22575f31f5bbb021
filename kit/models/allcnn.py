"""AllCNN-C (Springenberg et al. 2015): strided convolutions in place of pooling."""

from torch import Tensor, nn

from kit.models.base import Classifier


class AllCNN(Classifier):
    """``width`` = 96 as published.

    The published 1x1 convolution to the classes followed by averaging equals averaging followed by
    a linear layer, which is our ``head``. BatchNorm is added after every convolution, as common
    re-implementations do.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int = 96):
        super().__init__()
        self.stage1 = self._stage(in_channels, width, dropout=0.5)
        self.stage2 = self._stage(width, 2 * width, dropout=0.5)
        self.stage3 = nn.Sequential(
            *self._convolution(2 * width, 2 * width, 3, 1),
            *self._convolution(2 * width, 2 * width, 1, 1),
        )
        self.stages = ["stage1", "stage2", "stage3"]
        self.head = nn.Linear(2 * width, num_classes)

    def _stage(self, inputs: int, outputs: int, dropout: float) -> nn.Sequential:
        return nn.Sequential(
            *self._convolution(inputs, outputs, 3, 1),
            *self._convolution(outputs, outputs, 3, 1),
            *self._convolution(outputs, outputs, 3, 2),
            nn.Dropout(dropout),
        )

    @staticmethod
    def _convolution(inputs: int, outputs: int, size: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]

    def features(self, x: Tensor) -> Tensor:
        x = self.stage3(self.stage2(self.stage1(x)))
        return x.mean((2, 3))  # [B, 2 * width]

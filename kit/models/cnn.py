"""A small CNN: three convolutions, and of each channel the strongest response anywhere."""

from torch import Tensor, nn

from kit.models.base import Classifier


class CNN(Classifier):
    """``width`` channels after the first convolution, twice and four times as many after the next.

    The global maximum sees a small sign as well in a corner as in the middle, where averages would
    dilute it; and the maps of the last stage stay readable, a quarter of the image's size.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int = 24):
        super().__init__()
        self.stage1 = self._stage(in_channels, width)
        self.stage2 = self._stage(width, 2 * width)
        self.stage3 = self._stage(2 * width, 4 * width)
        self.stages = ["stage1", "stage2", "stage3"]
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(4 * width, num_classes)

    @staticmethod
    def _stage(inputs: int, outputs: int) -> nn.Sequential:
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    def features(self, x: Tensor) -> Tensor:
        x = self.pool(self.stage1(x))  # [B, width, S / 2, S / 2]
        x = self.stage3(self.pool(self.stage2(x)))  # [B, 4 * width, S / 4, S / 4]
        return x.amax((2, 3))

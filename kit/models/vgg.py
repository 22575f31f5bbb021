"""VGG with BatchNorm for small images (Simonyan and Zisserman 2015), with one linear layer."""

from torch import Tensor, nn

from kit.models.base import Classifier

# Convolutions per stage; every stage ends in a 2x2 max-pool.
CONVOLUTIONS = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


class VGG(Classifier):
    """``depth`` = 11, 13, 16 or 19; ``width`` channels in the first stage, at most 8 times that."""

    def __init__(self, depth: int, in_channels: int, num_classes: int, width: int = 64):
        super().__init__()
        channels = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        inputs = in_channels
        stages = []
        for outputs, count in zip(channels, CONVOLUTIONS[depth], strict=True):
            layers = []
            for _ in range(count):
                layers += [
                    nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                ]
                inputs = outputs
            # ceil_mode keeps images of 28 pixels at one pixel after five halvings.
            stages.append(nn.Sequential(*layers, nn.MaxPool2d(2, ceil_mode=True)))
        self.stage1, self.stage2, self.stage3, self.stage4, self.stage5 = stages
        self.stages = ["stage1", "stage2", "stage3", "stage4", "stage5"]
        self.head = nn.Linear(channels[-1], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4, self.stage5):
            x = stage(x)
        return x.mean((2, 3))  # [B, 8 * width]

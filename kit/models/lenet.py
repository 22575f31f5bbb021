"""A LeNet of today: two strided convolutions and a hidden layer, trained in a second."""

from torch import Tensor, nn

from kit.models.base import Classifier


class LeNet(Classifier):
    """The network of the shadow models, of which an attack needs dozens.

    It has no BatchNorm, so that what it knows of an image is in its weights and nowhere else, and
    few enough channels that many of them train well as one ensemble.
    """

    def __init__(
        self, in_channels: int, num_classes: int, image_size: int, width: int = 8, hidden: int = 64
    ):
        super().__init__()
        self.stage1 = nn.Conv2d(in_channels, width, 5, stride=2, padding=2)
        self.stage2 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.stage3 = nn.Linear(2 * width * ((image_size + 3) // 4) ** 2, hidden)
        self.stages = ["stage1", "stage2", "stage3"]
        self.relu = nn.ReLU()
        self.head = nn.Linear(hidden, num_classes)

    def features(self, x: Tensor) -> Tensor:
        x = self.relu(self.stage2(self.relu(self.stage1(x))))  # [B, 2 * width, S / 4, S / 4]
        return self.relu(self.stage3(x.flatten(1)))  # [B, hidden]

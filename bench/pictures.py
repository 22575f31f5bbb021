"""Data as tutorials write it: one PIL image a sample, transforms in Python."""

from torch.utils.data import Dataset
from torchvision import transforms


class Pictures(Dataset):
    def __init__(self, split, labels=None, augment=()):
        self.images, self.labels = split.x, split.y if labels is None else labels
        normalise = transforms.Normalize(split.mean.tolist(), split.std.tolist())
        self.transform = transforms.Compose(
            [transforms.ToPILImage(), *augment, transforms.ToTensor(), normalise]
        )

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, row):
        return self.transform(self.images[row]), int(self.labels[row])

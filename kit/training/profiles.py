"""Profiles: how large a chapter's experiment is, from two CPU cores to a GPU."""

from dataclasses import dataclass

from kit.runtime.checks import known
from kit.training.augment import Augment
from kit.training.recipes import Recipe


@dataclass(frozen=True)
class Profile:
    """Data set, network and recipe of one scale."""

    name: str
    dataset: str
    model: str
    recipe: Recipe


_SMALL = Augment(crop=1, flip=True)
_PROFILES = {
    p.name: p
    for p in (
        # Two CPU cores, Colab, CI: a training in half a minute.
        Profile("quick", "fashion-mnist-mini", "resnet8", Recipe(epochs=8, lr=0.4, augment=_SMALL)),
        # An evening on a CPU.
        Profile("laptop", "fashion-mnist", "resnet20", Recipe(epochs=4, lr=0.4, augment=_SMALL)),
        # One GPU.
        Profile(
            "paper",
            "cifar10",
            "resnet18",
            Recipe(epochs=40, lr=0.2, batch_size=256, augment=Augment(crop=4, flip=True)),
        ),
    )
}


def profile(name: str = "quick") -> Profile:
    """The profile of this name; ``ValueError`` lists the names if there is none."""
    known("profile", name, _PROFILES)
    return _PROFILES[name]

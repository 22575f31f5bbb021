"""A network of torchvision's, as its users have it: weights in a file, layers left as they are."""

from pathlib import Path

import torch
from torch import Tensor, nn

from kit.models.activations import set_activations
from kit.models.base import Shape
from kit.models.own import Own, last_linear
from kit.runtime.device import seeded
from kit.runtime.files import whole

# What torchvision's published weights were trained on: statistics of RGB values in [0, 1].
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Pretrained(Own):
    """torchvision's network ``net`` as it is, weights included.

    Takes images normalised by the statistics of a data set, as all networks of the kit do, and
    turns them into those that ``net`` was trained on.
    """

    def __init__(self, net: nn.Module, statistics: tuple[Tensor, Tensor]):
        super().__init__(net)
        mean, std = (s.view(1, -1, 1, 1) for s in statistics)
        theirs = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
        shift = (mean - torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)) / theirs
        self.register_buffer("scale", std / theirs, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x * self.scale + self.shift)


def load_pretrained(
    name: str,
    file: str | Path,
    task: Shape,
    *,
    new_head: int | None = None,
    activation: str = "relu",
) -> Pretrained:
    """torchvision's network ``name`` with the weights in ``file``.

    Parameters
    ----------
    name
        as in ``torchvision.models.get_model``: "resnet50", "mobilenet_v2", ...
    file
        a state dict, as ``torch.save(net.state_dict(), file)`` or torchvision's own downloads;
        tensors only, no code in the file is run.
    task
        a ``ForgetTask`` or ``ImageData``: its images must be RGB, its classes those of the network
        in the same order, unless the head is new.
    new_head
        seed of a random last layer for the classes of ``task``, in place of the file's. It is
        random and not zero: below a head of zeros every derivative vanishes.
    activation
        "leaky_relu" puts leaky ReLU (slope 0.01) in the place of ReLU, for linearisation; weights
        that were trained with ReLU then need a little training again.

    Raises
    ------
    FileNotFoundError
        no such file.
    ValueError
        an unknown name, a file that holds something else, weights of another network, images that
        are not RGB, another number of classes.
    """
    from torchvision.models import get_model, list_models  # slow to import

    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there: save a network's state_dict() to it first")
    data = getattr(task, "data", task)
    if data.in_channels != 3:
        raise ValueError(
            f"torchvision's networks take RGB images, those of {data.name} have "
            f"{data.in_channels} channel; kit.datasets.from_folder reads RGB"
        )
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds for a file it cannot read
        raise ValueError(f"{file} does not hold plain tensors: {error}") from error
    outputs = data.num_classes if new_head is None else _outputs(state)
    try:
        net = get_model(name, weights=None, num_classes=outputs)
    except ValueError as error:
        close = [m for m in list_models() if m.startswith(name[:4])]
        raise ValueError(f"torchvision has no network {name!r}; close: {close[:5]}") from error
    try:
        net.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} does not hold a {name} for {outputs} classes: {error}") from error
    set_activations(net, activation)
    if new_head is not None:
        _renew_head(net, data.num_classes, new_head)
    return Pretrained(net, data.statistics).eval()


def save_pretrained(model: Pretrained, file: str | Path) -> None:
    """Write the weights under torchvision's names, for ``net.load_state_dict(torch.load(file))``;
    the file is whole or not there."""
    with whole(Path(file)) as half:
        torch.save({name: t.cpu() for name, t in model.net.state_dict().items()}, half)


def _outputs(state: dict[str, Tensor]) -> int:
    """Of the last layer in a state dict; 0 if it holds something else."""
    last = [t for t in state.values() if torch.is_tensor(t)][-1:]
    return len(last[0]) if last and last[0].dim() == 1 else 0


def _renew_head(net: nn.Module, num_classes: int, seed: int) -> None:
    name, last = last_linear(net)
    parent, _, attribute = name.rpartition(".")
    with seeded(seed):
        setattr(net.get_submodule(parent), attribute, nn.Linear(last.in_features, num_classes))

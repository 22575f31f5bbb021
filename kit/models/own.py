"""A network of one's own, with the kit's names for its parts."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from kit.models.base import Classifier, Shape
from kit.models.hooks import listening
from kit.runtime.device import seeded


class Own(Classifier):
    """A network ``net`` that ends in a linear layer, left as it is.

    ``head`` is that layer and ``features(x)`` what goes into it; nothing is added or replaced, so
    ``net.state_dict()`` keeps its names.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net
        self._head, last = last_linear(net)
        if last is None:
            raise ValueError(f"{type(net).__name__} does not end in a linear layer")
        parts = [
            name for name, part in net.named_children() if any(True for _ in part.parameters())
        ]
        self.stages = [f"net.{name}" for name in parts if not self._head.startswith(name)][-4:]

    @property
    def head(self) -> nn.Linear:
        return self.net.get_submodule(self._head)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)

    def features(self, x: Tensor) -> Tensor:
        given = []
        with listening(self.net, [self._head], lambda _, inputs, output: given.append(inputs[0])):
            self(x)
        return given[0]


def wrap(make: Callable[[], nn.Module], task: Shape, *, seed: int = 0) -> Own:
    """A network of your own, from torchvision, timm or your code, ready for every method.

    Parameters
    ----------
    make
        a function without arguments that returns the network, weights fresh or loaded:
        ``lambda: resnet18(num_classes=10)``. It is called again to retrain.
    task
        a ``ForgetTask`` or ``ImageData``: the network must take its images (normalised per channel)
        and have an output for each of its classes.
    seed
        of the weights, where ``make`` draws them.

    Raises
    ------
    ValueError
        a network that does not end in a linear layer, cannot take the images, or has another
        number of outputs.
    """

    def rebuild(seed: int) -> Own:
        with seeded(seed):
            return Own(make()).eval()

    model = rebuild(seed)
    size = (1, task.in_channels, task.image_size, task.image_size)
    try:
        with torch.no_grad():
            outputs = model(torch.zeros(size))
    except RuntimeError as error:
        raise ValueError(f"the network cannot take images of shape {size[1:]}: {error}") from error
    if outputs.shape != (1, task.num_classes):
        raise ValueError(
            f"the network gives outputs of shape {tuple(outputs.shape[1:])} for "
            f"{task.num_classes} classes: make it with that many outputs"
        )
    model.rebuild = rebuild
    return model


def last_linear(net: nn.Module) -> tuple[str, nn.Linear | None]:
    """Name and module of the last linear layer; None if there is none."""
    linear = [(name, m) for name, m in net.named_modules() if isinstance(m, nn.Linear)]
    return linear[-1] if linear else ("", None)

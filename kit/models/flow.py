"""Which layer reads what another one says: found by watching a network compute."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from kit.models.hooks import listening

SIZES = (32, 28, 64, 96, 224, 16, 8)  # pixels that a network may have been made for


class Readers(TorchFunctionMode):
    """While it lasts, counts for each tensor that is followed how many operations read it."""

    def __init__(self):
        super().__init__()
        self.followed: list[Tensor] = []
        self.counts: list[int] = []

    def follow(self, tensor: Tensor) -> None:
        self.followed.append(tensor)
        self.counts.append(0)

    def number(self, tensor: Tensor) -> int | None:
        """The place of a tensor among those that are followed."""
        places = [i for i, one in enumerate(self.followed) if one is tensor]
        return places[0] if places else None

    def __torch_function__(
        self, function: Callable, types: Iterable, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        answer = function(*args, **(kwargs or {}))
        if any(torch.is_tensor(one) for one in tree_leaves(answer)):  # not a mere look at the shape
            read = [one for one in tree_leaves((args, kwargs)) if torch.is_tensor(one)]
            for i, one in enumerate(self.followed):
                self.counts[i] += any(one is other for other in read)
        return answer


def followers(
    model: nn.Module, names: Iterable[str], kinds: tuple[type, ...], x: Tensor
) -> dict[str, str]:
    """Layer name -> the module of one of these kinds that alone reads what the layer says.

    A layer that is used twice in a pass, or whose answer others read as well, has none.
    """
    names, readers = set(names), Readers()
    said, found = [], []
    readable = [name for name, module in model.named_modules() if isinstance(module, kinds)]

    def hear(name: str, inputs: tuple, output: Tensor) -> None:
        if name in names:
            said.append(name)
            readers.follow(output)
        elif inputs and (number := readers.number(inputs[0])) is not None:
            found.append((number, name))

    with torch.no_grad(), listening(model, [*names, *readable], hear), readers:
        model(x)
    return {
        said[number]: name
        for number, name in found
        if readers.counts[number] == 1 and said.count(said[number]) == 1
    }


class Factors(TorchFunctionMode):
    """While it lasts, notes the channels of what maps are multiplied by, one number a channel."""

    def __init__(self):
        super().__init__()
        self.channels: set[int] = set()

    def __torch_function__(
        self, function: Callable, types: Iterable, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        maps = [one for one in args if torch.is_tensor(one) and one.dim() == 4]
        product = "mul" in getattr(function, "__name__", "") and len(maps) == 2
        if product and maps[0].shape[2:] != maps[1].shape[2:]:
            self.channels |= {one.shape[1] for one in maps if one.shape[2:] == (1, 1)}
        return function(*args, **(kwargs or {}))


def gates(model: nn.Module, names: Iterable[str], x: Tensor) -> set[str]:
    """The layers whose answers are factors for maps, as in squeeze-and-excitation: one number a
    channel, of which 0 does not mean silence."""
    sizes: dict[str, tuple] = {}
    names, factors = list(names), Factors()
    hear = listening(model, names, lambda n, _, said: sizes.update({n: tuple(said.shape)}))
    with torch.no_grad(), hear, factors:
        model(x)
    return {n for n, s in sizes.items() if s[2:] == (1, 1) and s[1] in factors.channels}


def example(model: nn.Module) -> Tensor:
    """An image that the network can take, ``[1, C, S, S]``, of zeros.

    Raises
    ------
    ValueError
        none of the usual sizes is taken.
    """
    parameter = next(model.parameters())
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    for channels in dict.fromkeys(m.in_channels for m in convolutions):
        for size in SIZES:
            x = torch.zeros(1, channels, size, size).to(parameter)
            try:
                with torch.no_grad():
                    model(x)
            except (RuntimeError, ValueError, AssertionError):
                continue
            return x
    raise ValueError(f"{type(model).__name__} takes no image of {SIZES} pixels: give some as x=")

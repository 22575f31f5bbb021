"""Listen to what the layers of a network say, and leave no hook behind."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn


@contextmanager
def listening(
    model: nn.Module, names: Iterable[str], hear: Callable[[str, tuple, Tensor], None]
) -> Iterator[None]:
    """Inside the ``with``, ``hear(name, inputs, output)`` is called whenever one of these
    sub-modules has computed."""

    def hook_of(name: str) -> Callable:
        return lambda module, inputs, output: hear(name, inputs, output)

    hooks = [model.get_submodule(name).register_forward_hook(hook_of(name)) for name in names]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def caught(model: nn.Module, name: str) -> Iterator[list[Tensor]]:
    """Inside the ``with``, the outputs of a sub-module are appended to the list it gives."""
    outputs: list[Tensor] = []
    with listening(model, [name], lambda _, inputs, output: outputs.append(output)):
        yield outputs

"""A network of which only the answers can be had: no layer of its own gives them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from kit.models.base import Shape
from kit.models.checkpoints import load_state
from kit.models.own import State, logits_of, rescaling


class AnswersOnly(nn.Module):
    """``net`` behind the kit's images; audits that look inside leave it out."""

    memory_format = torch.contiguous_format  # of a stranger nothing else is known to work

    def __init__(self, net: nn.Module, rescale: tuple[Tensor, Tensor] | None):
        super().__init__()
        self.net, self.rescale = net, rescale

    def forward(self, x: Tensor) -> Tensor:
        if self.rescale is not None:
            factor, summand = (part.to(x) for part in self.rescale)
            x = x * factor + summand
        return logits_of(self.net(x))


def answers_only(
    make: Callable[[], nn.Module], task: Shape, *, state: State,
    mean: Sequence[float] | None = None, std: Sequence[float] | None = None,
) -> AnswersOnly:  # fmt: skip
    """As ``kit.models.wrap``, for a network that changes what its last layer says.

    Raises
    ------
    ValueError
        a state of another network, ``mean`` without ``std``.
    """
    net = make().eval()
    load_state(net, state)
    return AnswersOnly(net, rescaling(getattr(task, "data", task), mean, std)).eval()

"""How far two networks of one architecture are apart in weight space."""

import torch
from torch import Tensor, nn

from kit.metrics.undefined import Undefined


@torch.no_grad()
def layer_distances(
    model: nn.Module, other: nn.Module, *, relative: bool = False
) -> dict[str, float]:
    """L2 distance of the parameters of each layer: layer name -> distance, in forward order.

    A layer is a module that owns parameters; weight and bias are taken together, buffers do not
    count. ``relative`` divides by the norm of the layer in ``other``. In [0, inf); good value: that
    of two retrained models, see ``weight_distance``.

    Raises
    ------
    ValueError
        different architectures.
    """
    here, there = dict(model.named_parameters()), dict(other.named_parameters())
    if {n: p.shape for n, p in here.items()} != {n: p.shape for n, p in there.items()}:
        raise Undefined("the two models have different architectures; distances need the same")
    distances = _layer_norms(
        {name: p.double() - there[name].to(p.device).double() for name, p in here.items()}
    )
    if not relative:
        return distances
    norms = _layer_norms({name: p.double() for name, p in there.items()})
    return {layer: d / norms[layer] if d else 0.0 for layer, d in distances.items()}


def weight_distance(model: nn.Module, other: nn.Module) -> float:
    """L2 distance of all parameters.

    Between networks of different initialisation it mostly measures that difference: hidden units
    can be permuted at will. Read it beside the distance of two retrained models.
    """
    return sum(d**2 for d in layer_distances(model, other).values()) ** 0.5


def _layer_norms(tensors: dict[str, Tensor]) -> dict[str, float]:
    """L2 norm of all tensors of each layer, from tensors by parameter name."""
    squares: dict[str, float] = {}
    for name, tensor in tensors.items():
        layer = name.rpartition(".")[0] or name
        squares[layer] = squares.get(layer, 0.0) + tensor.square().sum().item()
    return {layer: square**0.5 for layer, square in squares.items()}

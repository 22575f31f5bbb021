"""A network in two: what runs before a layer, and the rest."""

from collections.abc import Callable, Sequence

from torch import Tensor, fx, nn

LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm)


def cut(
    network: nn.Module, names: Sequence[str]
) -> tuple[Callable[[Tensor], tuple[Tensor, ...]], nn.Module] | None:
    """What runs before the first of these parameters is used, and the rest; both hold the layers
    of the network itself, not copies.

    The first half gives the tuple of tensors that the second takes. None where all parameters are
    asked for, one of them takes no part, or ``torch.fx`` cannot follow the network.
    """
    if set(names) == {name for name, _ in network.named_parameters()}:
        return None
    try:
        nodes = list(_Tracer().trace(network).nodes)
    except (fx.proxy.TraceError, TypeError):  # branches and lengths that depend on the images
        return None
    first = next((i for i, node in enumerate(nodes) if _uses(node, names)), None)
    if first is None:
        return None
    late = set(nodes[first:])
    crossing = [node for node in nodes[:first] if late & set(node.users)]
    before, after = fx.Graph(), fx.Graph()
    made = {}
    for node in nodes[:first]:
        made[node] = before.node_copy(node, made.__getitem__)
    before.output(tuple(made[node] for node in crossing))
    made = {node: after.placeholder(node.name) for node in crossing}
    for node in nodes[first:]:
        made[node] = after.node_copy(node, made.__getitem__)
    lower, upper = fx.GraphModule(network, before, "Below"), fx.GraphModule(network, after, "Above")
    return (lower, upper) if set(names) <= {name for name, _ in upper.named_parameters()} else None


def _uses(node: fx.Node, names: Sequence[str]) -> bool:
    """Whether a node reads one of these parameters, itself or in the layer that it calls."""
    if node.op not in ("get_attr", "call_module"):
        return False
    return any(name == node.target or name.startswith(f"{node.target}.") for name in names)


class _Tracer(fx.Tracer):
    """Layers of other packages that derive from torch's stay whole: others look for them."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, LAYERS) or super().is_leaf_module(m, module_qualified_name)

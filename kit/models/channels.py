"""The channels of a network: which there are, which are silent, and a network without those."""

import copy
import warnings

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from kit.models.flow import example, followers, gates
from kit.models.hooks import listening
from kit.models.modes import evaluating

# What a weight is computed from by weight norm (its lengths) and spectral norm, new and old.
COMPUTED = (
    "parametrizations.weight.original0", "weight_g", "parametrizations.weight.original",
    "weight_orig",
)  # fmt: skip
NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.InstanceNorm2d)


def convolutions_of(model: nn.Module) -> dict[str, nn.Conv2d]:
    """The convolutions by name, without one that answers for the classes; ``ValueError`` if there
    are none."""
    head = getattr(getattr(model, "head", None), "conv", None)
    found = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and m is not head}
    if not found:
        raise ValueError("class pruning removes channels of convolutions; this network has none")
    return found


def quiet_trial(model: nn.Module) -> nn.Module:
    """A copy in eval mode to run for a look: whoever listens to the network hears nothing of it."""
    trial = _copy(model).eval()
    for part in trial.modules():
        part._forward_hooks.clear()
    return trial


def gates_of(model: nn.Module, x: Tensor) -> set[str]:
    """The convolutions whose channels are factors of others, as in squeeze-and-excitation."""
    return gates(quiet_trial(model), convolutions_of(model), x[:1])


def still_speaking(
    model: nn.Module, pruned: dict[str, Tensor], norms: dict[str, str], x: Tensor
) -> list[str]:
    """The layers whose pruned channels say something of images ``x``, after their norms."""
    loud, last = [], {norms.get(name, name): mask for name, mask in pruned.items()}

    def hear(name: str, inputs: tuple, output: Tensor) -> None:
        if output[:, last[name].to(output.device)].any():
            loud.append(name)

    trial = quiet_trial(model)
    with torch.no_grad(), listening(trial, last, hear):
        trial(x)
    return loud


def batchnorms_of(model: nn.Module, x: Tensor | None = None) -> dict[str, str]:
    """Convolution name -> name of the BatchNorm (or other norm of channels) that alone reads it.

    Found by the flow of the data, whatever the order of definition: a norm that reads a sum belongs
    to no convolution.

    Parameters
    ----------
    x
        images ``[B, C, S, S]`` that the network takes; by default zeros of a size that it takes.
    """
    trial = quiet_trial(model)
    x = example(trial) if x is None else x[:1].to(next(model.parameters()).device)
    return followers(trial, convolutions_of(trial), NORMS, x)


def silent_channels(model: nn.Module, x: Tensor | None = None) -> dict[str, Tensor]:
    """Channels that always emit 0, the norm behind them or else filter and bias being 0: name ->
    bool [channels]."""
    modules, norms = dict(model.named_modules()), batchnorms_of(model, x)
    silent = {}
    for name, convolution in convolutions_of(model).items():
        norm = modules.get(norms.get(name))
        last = convolution if getattr(norm, "weight", None) is None else norm
        quiet = ~last.weight.detach().flatten(1).any(1) if last is convolution else last.weight == 0
        if last.bias is not None:
            quiet &= last.bias.detach() == 0
        silent[name] = quiet.cpu()
    return silent


@torch.no_grad()
def zero_rows(layer: nn.Module, rows: Tensor) -> None:
    """Make these outputs of a layer 0, bool ``[channels]``, its bias included.

    A weight that is computed from others is made 0 through them.

    Raises
    ------
    ValueError
        a norm without weights, which gives a constant, or a weight that is computed in an unknown
        way.
    """
    own = dict(layer.named_parameters())
    source = next((name for name in ("weight", *COMPUTED) if name in own), None)
    for name in (source, "bias"):
        if name in own:
            own[name][rows.to(own[name].device)] = 0
    constant = source is None and not isinstance(layer, nn.InstanceNorm2d)  # that makes 0 of 0
    if constant or is_parametrized(layer) and layer.weight[rows].any():
        raise ValueError(f"channels of {layer} cannot be made to emit 0: its weight is not its own")


def remove_silent(model: nn.Module, x: Tensor) -> nn.Module:
    """A copy of the network without its silent channels, that computes the same logits.

    A channel that is added to others, in the stream of a residual network, stays: what is silent
    there is one branch of the sum, and so does one that shares its statistics with others, as in a
    GroupNorm. Needs ``x``, a batch of inputs ``[B, C, S, S]``, to follow the channels through the
    network.

    Raises
    ------
    ValueError
        what is left would compute something else.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports where that is installed
        import torch_pruning  # slow to import

    small = _copy(model).cpu().eval()
    for attribute in ("rebuild", "spec"):  # they describe the network as it was
        small.__dict__.pop(attribute, None)
    _plain_weights(small)
    graph = torch_pruning.DependencyGraph().build_dependency(small, example_inputs=x[:1].cpu())
    modules, norms = dict(small.named_modules()), batchnorms_of(small, x)
    for name, mask in silent_channels(small, x).items():
        channels = mask.nonzero().flatten().tolist()
        if not channels or len(channels) == len(mask):
            continue
        own = [modules[name], modules.get(norms.get(name))]
        group = graph.get_pruning_group(
            modules[name], torch_pruning.prune_conv_out_channels, idxs=channels
        )
        if all(_only_reads(step.dep, own) for step in group.items):
            group.prune()
    with torch.no_grad(), evaluating(model):
        whole = model(x.to(next(model.parameters()).device)).cpu()
        if not torch.allclose(small(x.cpu()), whole, rtol=1e-3, atol=1e-4):
            raise ValueError("without its silent channels this network would answer something else")
    return small


def _copy(model: nn.Module) -> nn.Module:
    for part in model.modules():
        if hasattr(part, "weight_g"):  # torch does not copy a computed weight with its graph
            part.weight = part.weight.detach()
    return copy.deepcopy(model)


def _plain_weights(model: nn.Module) -> None:
    """Weights that weight or spectral norm computes become parameters of their own."""
    for name, part in list(model.named_modules()):
        if is_parametrized(part):
            parent, _, attribute = name.rpartition(".")
            setattr(model.get_submodule(parent), attribute, _without_parametrizations(part))
        if hasattr(part, "weight_g"):
            nn.utils.remove_weight_norm(part)


def _without_parametrizations(part: nn.Module) -> nn.Module:
    """A layer of the class that it was before; torch's own function would change all copies of it,
    which share a class."""
    kind = type(part).__bases__[0]
    plain = kind.__new__(kind)
    computed = {n: nn.Parameter(getattr(part, n).detach().clone()) for n in part.parametrizations}
    modules = {n: m for n, m in part._modules.items() if n != "parametrizations"}
    vars(plain).update(
        vars(part) | {"_parameters": {**part._parameters, **computed}, "_modules": modules}
    )
    return plain


def _only_reads(step: object, own: list[nn.Module]) -> bool:
    """Whether this part of the network is the pruned layer itself, or merely takes its output."""
    inner = step.target.module
    if isinstance(inner, nn.GroupNorm | nn.LayerNorm):  # the others' statistics would change
        return False
    if inner in own or not list(inner.parameters()):
        return True
    return step.handler.__name__ == "prune_in_channels"


def multiply_adds(model: nn.Module, x: Tensor) -> int:
    """Multiplications and additions of convolutions and linear layers for one image of ``x``."""
    total = 0

    def count(name: str, inputs: tuple, output: Tensor) -> None:
        nonlocal total
        # Each output entry is a product with as many weights as one filter or row has.
        total += output.numel() * layers[name].weight[0].numel()

    layers = {n: m for n, m in model.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    with listening(model, layers, count), torch.no_grad():
        model(x[:1].to(next(model.parameters()).device))
    return total

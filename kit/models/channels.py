"""The channels of a network: which there are, which are silent, and a network without those."""

import copy

import torch
from torch import Tensor, nn

from kit.models.hooks import listening


def convolutions_of(model: nn.Module) -> dict[str, nn.Conv2d]:
    """The convolutions by name; ``ValueError`` if there are none."""
    found = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    if not found:
        raise ValueError("class pruning removes channels of convolutions; this network has none")
    return found


def batchnorms_of(model: nn.Module) -> dict[str, str]:
    """Convolution name -> name of the BatchNorm defined right after it, of as many channels."""
    named = [(n, m) for n, m in model.named_modules() if not list(m.children())]
    return {
        name: after
        for (name, module), (after, norm) in zip(named, named[1:], strict=False)
        if isinstance(module, nn.Conv2d)
        and isinstance(norm, nn.BatchNorm2d)
        and norm.num_features == module.out_channels
    }


def silent_channels(model: nn.Module) -> dict[str, Tensor]:
    """Channels that always emit 0, filter, bias and BatchNorm being 0: name -> bool [channels]."""
    modules, followers = dict(model.named_modules()), batchnorms_of(model)
    silent = {}
    for name, convolution in convolutions_of(model).items():
        quiet = ~convolution.weight.detach().flatten(1).any(1)
        last = modules[followers[name]] if name in followers else convolution
        if last.bias is not None:
            quiet &= last.bias.detach() == 0
        if last is not convolution:
            quiet &= last.weight.detach() == 0
        silent[name] = quiet.cpu()
    return silent


def remove_silent(model: nn.Module, x: Tensor) -> nn.Module:
    """A copy of the network without its silent channels, that computes the same logits.

    A channel that is added to others, in the stream of a residual network, stays: what is silent
    there is one branch of the sum. Needs ``x``, a batch of inputs ``[B, C, S, S]``, to follow the
    channels through the network.
    """
    import torch_pruning  # slow to import

    small = copy.deepcopy(model).cpu().eval()
    for attribute in ("rebuild", "spec"):  # they describe the network as it was
        small.__dict__.pop(attribute, None)
    graph = torch_pruning.DependencyGraph().build_dependency(small, example_inputs=x[:1].cpu())
    modules, followers = dict(small.named_modules()), batchnorms_of(small)
    for name, mask in silent_channels(small).items():
        channels = mask.nonzero().flatten().tolist()
        if not channels or len(channels) == len(mask):
            continue
        own = [modules[name], modules.get(followers.get(name))]
        group = graph.get_pruning_group(
            modules[name], torch_pruning.prune_conv_out_channels, idxs=channels
        )
        if all(_only_reads(step.dep, own) for step in group.items):
            group.prune()
    return small


def _only_reads(step: object, own: list[nn.Module]) -> bool:
    """Whether this part of the network is the pruned layer itself, or merely takes its output."""
    inner = step.target.module
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

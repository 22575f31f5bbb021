"""The last layer of a network: found by watching it compute, and used like a linear one."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from kit.models.hooks import listening


class NoHead(ValueError):
    """No single layer gives a network's answers."""


class ConvHead(nn.Module):
    """A convolution to the classes that is averaged over the image, as in AllCNN or SqueezeNet.

    A 1x1 convolution without a ReLU behind it equals averaging first and a linear layer on that:
    then features are ``[B, width]``. Otherwise they are all that it reads, ``[B, width * H * W]``.
    The layer stays what it is: its weights are the network's own.

    Parameters
    ----------
    conv
        the convolution, ``[B, width, H, W] -> [B, classes, h, w]``.
    shape
        (width, H, W) of what it reads; None where averaged features will do.
    rectified
        whether a ReLU stands between the convolution and the average.
    """

    def __init__(self, conv: nn.Conv2d, shape: Sequence[int] | None, rectified: bool):
        super().__init__()
        self.conv, self.shape, self.rectified = conv, shape, rectified
        self.in_features = conv.in_channels if shape is None else shape[0] * shape[1] * shape[2]
        self.out_features = conv.out_channels

    @property
    def weight(self) -> Tensor:
        return self.conv.weight

    @property
    def bias(self) -> Tensor | None:
        return self.conv.bias

    def vectors(self, read: Tensor) -> Tensor:
        """What the convolution reads as one vector per image."""
        return read.mean((2, 3)) if self.shape is None else read.flatten(1)

    def forward(self, features: Tensor) -> Tensor:
        if self.shape is None:
            return F.linear(features, self.weight.flatten(1), self.bias)
        answers = self.conv(features.view(-1, *self.shape))
        return (answers.relu() if self.rectified else answers).mean((2, 3))


def with_outputs(head: nn.Linear | ConvHead, outputs: int) -> nn.Linear | ConvHead:
    """A layer like this one with so many outputs, its weights drawn anew."""
    bias = head.bias is not None
    if isinstance(head, nn.Linear):
        return nn.Linear(head.in_features, outputs, bias=bias)
    like = head.conv
    conv = nn.Conv2d(
        like.in_channels, outputs, like.kernel_size, like.stride, like.padding, like.dilation,
        bias=bias,
    )  # fmt: skip
    return ConvHead(conv, head.shape, head.rectified)


def editable_head(
    model: nn.Module, *, bias: bool = False, plain: bool = False, linear: bool = False
) -> nn.Linear | ConvHead:
    """The last layer, for a method that writes into its weights.

    Raises
    ------
    ValueError
        it is frozen, or not what the method needs: with a ``bias``, ``plain`` (its weight is not
        computed from other tensors), ``linear`` (plain, and no convolution).
    """
    head = model.head
    layer = head.conv if isinstance(head, ConvHead) else head
    if linear and isinstance(head, ConvHead):
        raise ValueError("the last layer is a convolution; this method needs an nn.Linear")
    if bias and head.bias is None:
        raise ValueError("the last layer has no bias, into which this method writes: give it one")
    if (plain or linear) and "weight" not in dict(layer.named_parameters(recurse=False)):
        raise ValueError(
            "the last layer's weight is computed from other tensors (weight or spectral norm): "
            "undo that first, torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')"
        )
    if not all(p.requires_grad for p in layer.parameters()):
        raise ValueError("the last layer is frozen (requires_grad=False); this method changes it")
    return head


@torch.no_grad()
def write_rows(head: nn.Linear | ConvHead, rows: list[int], weight: Tensor) -> None:
    """Give the last layer other weights for these classes, ``[rows, ...]``.

    Where the weight is computed from other tensors these are chosen so that it comes out, but for a
    factor that spectral norm takes out again.

    Raises
    ------
    ValueError
        a weight of an older kind of weight norm, which cannot be set.
    """
    layer = head.conv if isinstance(head, ConvHead) else head
    if isinstance(layer._parameters.get("weight"), nn.Parameter):
        layer.weight[rows] = weight
    elif is_parametrized(layer, "weight"):
        whole = layer.weight.clone()
        whole[rows] = weight
        layer.weight = whole
    else:
        raise ValueError(
            "the last layer's weight comes from torch.nn.utils.weight_norm: take it off first, "
            "torch.nn.utils.remove_weight_norm(layer)"
        )


@dataclass(frozen=True)
class Place:
    """Where a network's last layer is, and what kind of layer it is (see ``ConvHead``)."""

    name: str
    convolution: bool = False
    shape: tuple[int, ...] | None = None
    rectified: bool = False

    def head(self, model: nn.Module) -> nn.Linear | ConvHead:
        layer = model.get_submodule(self.name)
        return ConvHead(layer, self.shape, self.rectified) if self.convolution else layer


def find_head(model: nn.Module, x: Tensor) -> Place:
    """The layer that gives a network's answers on ``x`` ``[B, C, S, S]``.

    Whatever that layer is made to say, the network has to answer the same, or its average over the
    image.

    Raises
    ------
    NoHead
        no layer is like that: the sentence says what stands in the way.
    """
    calls = []
    layers = [n for n, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    with torch.no_grad(), listening(model, layers, lambda *call: calls.append(call)):
        logits = model(x)
    for name, inputs, output in reversed(calls):
        if not inputs or output.shape[:2] != logits.shape:
            continue
        place = _place(model, x, name, inputs[0], output)
        if place is not None:
            if [called for called, *_ in calls].count(name) > 1:
                raise NoHead(f"the last layer, {name}, is used more than once in one pass")
            return place
    raise NoHead(_reason(model, calls, logits))


def _place(model: nn.Module, x: Tensor, name: str, read: Tensor, output: Tensor) -> Place | None:
    """The place of this layer if the network answers what it says; None otherwise."""
    layer = model.get_submodule(name)
    said = torch.randn(output.shape, generator=torch.Generator().manual_seed(0)).to(output)
    hook = layer.register_forward_hook(lambda *_: said)
    with torch.no_grad():
        answers = model(x)
    hook.remove()
    if isinstance(layer, nn.Linear):
        return Place(name) if read.dim() == 2 and _same(said, answers) else None
    pointwise = set(layer.kernel_size + layer.stride) == {1} and layer.groups == 1
    pointwise &= layer.padding in (0, (0, 0))
    shape = tuple(read.shape[1:])
    if _same(said.mean((2, 3)), answers):
        return Place(name, True, None if pointwise else shape)
    if _same(said.relu().mean((2, 3)), answers):
        return Place(name, True, shape, rectified=True)
    return None


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def _reason(model: nn.Module, calls: list[tuple], logits: Tensor) -> str:
    """Why no layer gives the network's answers, and what to do."""
    wanted = (
        "the network must end in one nn.Linear that reads one vector per image, or in a "
        "convolution that is averaged"
    )
    if not calls:
        return f"{wanted}; no layer of these kinds was called in {type(model).__name__}"
    name, inputs, output = calls[-1]
    if isinstance(model.get_submodule(name), nn.Linear) and inputs and inputs[0].dim() > 2:
        shape = tuple(inputs[0].shape)
        return f"{wanted}; {name} reads {shape}: choose or average the tokens before it"
    if output.shape == logits.shape:
        return (
            f"{wanted}; after {name} the network still changes the answers (a softmax or sigmoid, "
            f"a scale, another head?): let it return the logits"
        )
    return f"{wanted}; the last of them, {name}, gives {tuple(output.shape)}, not the answers"

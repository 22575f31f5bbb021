"""A network of one's own, with the kit's names for its parts."""

import copy
import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor, fx, nn

from kit.models.base import Classifier, Shape
from kit.models.checkpoints import load_state
from kit.models.heads import ConvHead, Place, find_head
from kit.models.hooks import listening
from kit.models.modes import evaluating
from kit.models.stages import find_stages
from kit.runtime.checks import positive
from kit.runtime.device import seeded

State = str | Path | Mapping[str, Tensor]


class Own(Classifier):
    """A network ``net`` as its owner made it.

    Nothing is added or replaced, so ``net.state_dict()`` keeps its names. ``head`` is its last
    layer and ``features(x)`` what goes into it, one vector per image. Of an output with a field
    "logits" that field counts. Parts that stand in eval mode in a network that trains stay so.

    Parameters
    ----------
    net
        ``[B, C, S, S] -> [B, classes]``, weights in float32.
    x
        some images as the kit has them, normalised: on these the parts are found.
    rescale
        (factor, summand), each ``[1, C, 1, 1]``: how to turn the kit's images into the network's.

    Raises
    ------
    ValueError
        a network whose last layer is of another kind; see ``kit.models.heads``.
    """

    def __init__(self, net: nn.Module, x: Tensor, *, rescale: tuple[Tensor, Tensor] | None = None):
        super().__init__()
        self.net = net
        self._resting = [n for n, m in net.named_modules() if not m.training and net.training]
        factor, summand = rescale or (None, None)
        self.register_buffer("factor", factor, persistent=False)
        self.register_buffer("summand", summand, persistent=False)
        self.register_buffer("_images", x, persistent=False)
        self.eval()
        self._place: Place = find_head(self, x)
        self.stages = find_stages(self, x, self._place.name)
        self.memory_format = _memory_format(self, x)

    @property
    def name(self) -> str:
        """Its class, and a hash of its parts and their shapes."""
        shapes = [(name, tuple(t.shape)) for name, t in self.net.state_dict().items()]
        digest = hashlib.sha256(f"{self.net}{shapes}".encode()).hexdigest()
        return f"{type(self.net).__name__}-{digest[:8]}"

    @property
    def spec(self) -> dict[str, str]:
        """What tells it from others: its name, a hash of its weights and its answers, and one of
        the code of its parts, which may do in training what cannot be seen in its answers."""
        with torch.no_grad(), evaluating(self):
            answers = self(self._images.to(next(self.parameters()).device)).cpu()
        tensors = [*self.net.state_dict().values(), (answers * 1e4).round()]
        digest = hashlib.sha256(b"".join(t.cpu().numpy().tobytes() for t in tensors))
        return {"name": self.name, "start": digest.hexdigest(), "code": _code(self.net)}

    @property
    def head(self) -> nn.Linear | ConvHead:
        return self._place.head(self)

    def replace_head(self, head: nn.Module) -> None:
        parent, _, name = self._place.name.rpartition(".")
        layer = head.conv if isinstance(head, ConvHead) else head
        setattr(self.get_submodule(parent), name, layer)

    def train(self, mode: bool = True) -> "Own":
        super().train(mode)
        for name in self._resting:
            self.net.get_submodule(name).training = False
        return self

    def forward(self, x: Tensor) -> Tensor:
        if self.factor is not None:
            x = x * self.factor + self.summand
        return logits_of(self.net(x))

    def features(self, x: Tensor) -> Tensor:
        read = []
        name = self._place.name
        with listening(self, [name], lambda _, inputs, output: read.append(inputs[0])):
            self(x)
        return self.head.vectors(read[0]) if self._place.convolution else read[0]


def wrap(
    make: Callable[[], nn.Module],
    task: Shape,
    *,
    state: State | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    seed: int = 0,
) -> Own:
    """A network of your own, from torchvision, timm, Hugging Face or your code, for every method.

    Parameters
    ----------
    make
        a function without arguments that returns the network with fresh weights:
        ``lambda: resnet18(num_classes=10)``. It is called again to retrain; where it gives the same
        weights each time, methods and audits that need fresh ones are refused.
    task
        a ``ForgetTask`` or ``ImageData``: the network must take its images and have an output for
        each of its classes.
    state
        the weights to start from, a state dict or the file of one.
    mean, std
        per channel in [0, 1], what the network's images were normalised by when it was trained;
        by default the data set's own statistics, as everywhere in the kit.
    seed
        of the weights, where ``make`` draws them.

    Raises
    ------
    ValueError
        a network that cannot take the images, has another number of outputs, does not end in a
        layer that the kit knows, or is not in float32; a state of another network.
    """
    data = getattr(task, "data", task)
    rescale, x = rescaling(data, mean, std), some_images(data)
    theirs = x if rescale is None else x * rescale[0] + rescale[1]

    def build(seed: int) -> nn.Module:
        with seeded(seed):
            try:
                net = _unwrapped(make())
            except AssertionError as error:  # torchvision's transformers assert
                raise ValueError(f"the network cannot be made: {error}") from error
            _check(net, theirs, task.num_classes)
        return copy.deepcopy(net)  # it may be the owner's own

    def rebuild(seed: int) -> Own:
        model = Own(build(seed), x, rescale=rescale)
        model.rebuild = rebuild
        return model

    model = rebuild(seed)
    if state is not None:
        load_state(model.net, state)
    return model


def _code(net: nn.Module) -> str:
    """Hash of the files that define the network's parts, but for torch's own."""
    files = set()
    for kind in {type(part) for part in net.modules()}:
        with suppress(TypeError, OSError):  # defined in a notebook, or nowhere
            files.add(Path(inspect.getfile(kind)))
    own = sorted(
        f for f in files if f.is_file() and not f.is_relative_to(Path(torch.__file__).parent)
    )
    return hashlib.sha256(b"".join(file.read_bytes() for file in own)).hexdigest()[:16]


def logits_of(output: object) -> Tensor:
    """The answers in what a network returns: a tensor, or the "logits" of something larger."""
    if isinstance(output, Tensor | fx.Proxy):  # a proxy stands for a tensor while torch.fx traces
        return output
    logits = output.get("logits") if isinstance(output, Mapping) else output
    logits = getattr(logits, "logits", logits)
    if not torch.is_tensor(logits):
        raise ValueError(
            f"the network returns a {type(output).__name__} without logits: let its forward return "
            f"the answers alone, a tensor [B, classes]"
        )
    return logits


def _unwrapped(net: nn.Module) -> nn.Module:
    """The network inside of ``DataParallel`` or ``torch.compile``, whose names it then has."""
    for attribute in ("module", "_orig_mod"):
        inner = net._modules.get(attribute)
        if inner is not None and len(net._modules) == 1:
            return _unwrapped(inner)
    return net


def some_images(data: Shape) -> Tensor:
    """Three random images of a data set's shape, normalised, ``[3, C, H, W]``."""
    square = (data.in_channels, data.image_size, data.image_size)
    shape = data.train_x.shape[1:] if hasattr(data, "train_x") else square
    return torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))


def _check(net: nn.Module, x: Tensor, num_classes: int) -> None:
    """Refuse a network that does not fit; lazy layers take their shapes here."""
    odd = {p.dtype for p in net.parameters() if p.dtype != torch.float32}
    if odd:
        raise ValueError(f"the network holds weights in {odd.pop()}: convert it with .float()")
    if not any(True for _ in net.parameters()):
        raise ValueError("the network has no parameters")
    try:
        with torch.no_grad(), evaluating(net):
            outputs = logits_of(net(x))
            logits_of(copy.deepcopy(net).train()(x))
    except (RuntimeError, AssertionError, TypeError, IndexError) as error:
        shape = tuple(x.shape[1:])
        raise ValueError(f"the network cannot take images of shape {shape}: {error}") from error
    if outputs.shape != (len(x), num_classes):
        raise ValueError(
            f"the network gives outputs of shape {tuple(outputs.shape[1:])} for {num_classes} "
            f"classes: make it with that many outputs"
        )


def rescaling(
    data: Shape, mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[Tensor, Tensor] | None:
    """Factor and summand ``[1, C, 1, 1]`` from the kit's images to those of the network."""
    if mean is None and std is None:
        return None
    if mean is None or std is None:
        raise ValueError("mean and std belong together: give both, per channel in [0, 1]")
    theirs = [torch.as_tensor(values, dtype=torch.float32).flatten() for values in (mean, std)]
    if any(len(values) != data.in_channels for values in theirs):
        raise ValueError(f"mean and std need one number for each of {data.in_channels} channels")
    positive(std=float(theirs[1].min()))
    (mean, std), (ours, spread) = theirs, data.statistics
    return (spread / std).view(1, -1, 1, 1), ((ours - mean) / std).view(1, -1, 1, 1)


def _memory_format(model: Own, x: Tensor) -> torch.memory_format:
    """Channels last, which is faster, where the network can take it: ``view`` cannot."""
    trial = copy.deepcopy(model).to(memory_format=torch.channels_last)
    try:
        with torch.no_grad():
            trial(x.contiguous(memory_format=torch.channels_last))
    except RuntimeError:
        return torch.contiguous_format
    return torch.channels_last

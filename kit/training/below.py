"""A network whose lower part is frozen: what that makes of the images is computed once and kept."""

import copy
import hashlib
import warnings
from dataclasses import dataclass

import torch
from filelock import FileLock
from torch import Tensor, fx, nn

from kit.datasets import Activations, ImageData
from kit.datasets.split import Split
from kit.models.activations import calls_relu, set_activations
from kit.models.cut import cut
from kit.models.modes import evaluating
from kit.models.own import Own
from kit.runtime.device import device, full_precision
from kit.runtime.files import whole
from kit.runtime.progress import progress
from kit.training.cache import cache_root, code
from kit.training.loop import BATCH, check_model, infer


def activations(
    model: nn.Module, data: ImageData, above: str, *, activation: str = "relu"
) -> tuple[Own, Activations]:
    """Cut a network below the layer ``above``: the part that stays trainable, and its data.

    The lower part runs once over all images, in eval mode, and what it gives is kept on disk.
    Training, methods and audits of the upper part then cost what that part costs. Images cannot be
    augmented any more, and what methods draw as noise are maps. The upper part trains as in eval
    mode, too: BatchNorm keeps its statistics, its scale and shift are trained; dropout is off.

    Parameters
    ----------
    model
        of ``kit.models.pretrained``, ``build``, ``load_pretrained`` or ``wrap``.
    above
        the first layer of the upper part, as in ``model.named_parameters()``: "head", "blocks.15".
    activation
        "leaky_relu" puts leaky ReLU in the upper part, for linearisation.

    Returns
    -------
    a network of the upper layers, which shares no weights with ``model``, and the data that it
    takes. ``upper.rebuild(seed)``, where ``model`` has it, cuts ``model.rebuild(seed)``: a network
    retrained above the cut is a reference only if what lies below never saw the forgotten images.

    Raises
    ------
    ValueError
        no network, no images, or not one for the other; no parameter has such a name; the network
        cannot be cut there; relu that is called as a function and is to be replaced.
    """
    _check(model, data)
    mean, std = data.statistics
    maps = {}
    with evaluating(model):
        below, _ = _halves(model, above)
        for part, x, y in (
            ("train", data.train_x, data.train_y), ("test", data.test_x, data.test_y)
        ):  # fmt: skip
            images = Split(x, y, torch.arange(len(y)), mean, std, data.num_classes, part)
            maps[part] = _kept(model, below, images)
    shape = tuple(maps["train"].shape[1:])
    train, test = (_as_maps(maps[part]) for part in ("train", "test"))
    seen = Activations(
        data.name, train, data.train_y, test, data.test_y, data.classes,
        train_files=data.train_files,
        source=f"{data.fingerprint} below {above}: {_hash(model, below)}",
    )  # fmt: skip
    return _upper(model, above, activation, shape, train[:3].clone()), seen


class Above(nn.Module):
    """The upper layers, which read tensors of this shape."""

    def __init__(self, layers: nn.Module, shape: tuple[int, ...]):
        super().__init__()
        self.layers, self.shape = layers, shape

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.reshape(-1, *self.shape))


@dataclass(frozen=True, eq=False)
class _Again:
    """Cuts the network made anew; copies of the upper part share it with its lower part."""

    model: nn.Module
    above: str
    activation: str
    shape: tuple[int, ...]
    x: Tensor

    def __call__(self, seed: int) -> Own:
        new = self.model.rebuild(seed)
        return _upper(new, self.above, self.activation, self.shape, self.x)

    def __deepcopy__(self, memo: dict) -> "_Again":
        return self


def _upper(model: nn.Module, above: str, activation: str, shape: tuple[int, ...], x: Tensor) -> Own:
    layers = _upper_layers(copy.deepcopy(model).cpu(), above)
    if activation != "relu":
        set_activations(layers, activation)
    own = Own(Above(layers, shape), x)
    if activation == "leaky_relu" and calls_relu(own, x):
        raise ValueError(f"above {above}, relu is called as a function and cannot be replaced")
    if hasattr(model, "rebuild"):
        own.rebuild = _Again(model, above, activation, shape, x)
    return own


def _upper_layers(model: nn.Module, above: str) -> nn.Module:
    """The layers from there on, with a warning where they act otherwise in training."""
    _, training = _halves(model.train(), above)
    _, layers = _halves(model.eval(), above)
    drops = (m.p > 0 for m in layers.modules() if isinstance(m, nn.modules.dropout._DropoutNd))
    if training.code != layers.code or any(drops):
        warnings.warn(
            f"above {above}, something is done in training alone: dropout or stochastic depth. "
            f"It is left out",
            stacklevel=4,
        )
    return layers


def _check(model: nn.Module, data: ImageData) -> None:
    """``ValueError`` unless it is a network, images, and one for the other."""
    if not isinstance(model, nn.Module):
        raise ValueError(
            f"activations need a network, got {model!r}: kit.models.pretrained and build make one"
        )
    if not isinstance(data, ImageData) or isinstance(data, Activations):
        raise ValueError(
            f"activations are made of a data set of images, got {type(data).__name__}: "
            f"give kit.datasets.load(...), or task.data"
        )
    one = torch.arange(1)
    check_model(
        model, Split(data.test_x, data.test_y, one, *data.statistics, data.num_classes, "test")
    )


def _halves(model: nn.Module, above: str) -> tuple[fx.GraphModule, nn.Module]:
    """The network below and above this layer; ``ValueError`` where it cannot be cut."""
    names = [name for name, _ in model.named_parameters()]
    chosen = [name for name in names if f"{name}.".startswith(f"{above}.")]
    if not chosen:
        parts = dict.fromkeys(name.rpartition(".")[0] for name in names)
        raise ValueError(f"no layer is called {above!r}; the last ones: {list(parts)[-8:]}")
    halves = cut(model, chosen)
    crossing = 0 if halves is None else len(list(halves[1].graph.find_nodes(op="placeholder")))
    if crossing != 1:
        raise ValueError(
            f"the network cannot be cut below {above}: "
            + (f"{crossing} tensors cross there" if crossing else "its parts cannot be told apart")
            + "; choose a block as a whole"
        )
    return halves


def _kept(model: nn.Module, below: fx.GraphModule, images: Split) -> Tensor:
    """What the lower part gives, from the disk if it is there."""
    file = cache_root() / f"activations-{_key(model, below, images)}.pt"
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        if file.exists():
            try:
                return torch.load(file, weights_only=True)
            except Exception as error:  # torch.load raises many kinds for a damaged file
                warnings.warn(f"{file} is damaged ({error}); computing again", stacklevel=3)
        maps = _computed(model, below, images)
        with whole(file) as half:
            torch.save(maps, half)
    return maps


@full_precision()
def _computed(model: nn.Module, below: fx.GraphModule, images: Split) -> Tensor:
    maps = torch.empty(0)
    for rows in progress(torch.arange(len(images)).split(BATCH), "computing activations"):
        part = infer(model, lambda x: below.to(x.device)(x)[0], images.take(rows))
        if not len(maps):  # one tensor that is filled: two copies may not fit
            maps = torch.empty(len(images), *part.shape[1:])
        maps[rows] = part
    return maps


def _key(model: nn.Module, below: fx.GraphModule, images: Split) -> str:
    """Hash of all that decides the maps to the last digit."""
    digest = hashlib.sha256(f"{_hash(model, below)}{below.code}{images.fingerprint()}".encode())
    digest.update(f"{images.kind}{device().type}{torch.__version__}{code()}".encode())
    for tensor in (images.mean, images.std, *below.buffers()):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _hash(model: nn.Module, below: fx.GraphModule) -> str:
    """Hash of the layers and weights of the lower part: the same on all machines."""
    digest = hashlib.sha256()
    for node in below.graph.nodes:
        called = getattr(node.target, "__name__", node.target)
        digest.update(f"{node.op} {called} {node.args} {node.kwargs}\n".encode())
    kept = model.state_dict()
    tensors = dict(below.named_parameters()) | dict(below.named_buffers())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        if name in kept:
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        else:  # a rescaling, computed from the images
            digest.update(str([f"{value:.3g}" for value in tensor.flatten().tolist()]).encode())
    return digest.hexdigest()[:16]


def _as_maps(given: Tensor) -> Tensor:
    """Vectors and tokens in the shape of maps, ``[n, channels, height, width]``."""
    missing = 4 - given.dim()
    return given if missing <= 0 else given.reshape(*given.shape, *[1] * missing)

"""A network whose lower part is frozen: what that makes of the images is computed once and kept."""

import copy
import hashlib
from functools import partial

import torch
from torch import Tensor, fx, nn

from kit.datasets import Activations, ImageData
from kit.datasets.split import Split
from kit.models.activations import set_activations
from kit.models.cut import cut
from kit.models.own import Own
from kit.runtime.device import device
from kit.runtime.files import whole
from kit.runtime.progress import progress
from kit.training.cache import cache_root
from kit.training.loop import BATCH, infer


def activations(
    model: nn.Module, data: ImageData, above: str, *, activation: str = "relu"
) -> tuple[Own, Activations]:
    """Cut a network below the layer ``above``: the part that stays trainable, and its data.

    The lower part runs once over all images, in eval mode, and what it gives is kept on disk.
    Training, methods and audits of the upper part then cost what that part costs. Images cannot be
    augmented any more, and what methods draw as noise are maps.

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
    takes. ``upper.rebuild(seed)`` cuts ``model.rebuild(seed)``.

    Raises
    ------
    ValueError
        no parameter has such a name; the network cannot be cut there.
    """
    below, _ = _halves(model, above)
    mean, std = data.statistics
    maps = {}
    for part, x, y in (("train", data.train_x, data.train_y), ("test", data.test_x, data.test_y)):
        images = Split(x, y, torch.arange(len(y)), mean, std, data.num_classes, part)
        maps[part] = _kept(model, below, images)
    shape = tuple(maps["train"].shape[1:])
    train, test = (_as_maps(maps[part]) for part in ("train", "test"))
    seen = Activations(
        data.name, train, data.train_y, test, data.test_y, data.classes,
        train_files=data.train_files,
    )  # fmt: skip
    return _upper(model, above, activation, shape, train[:3].clone()), seen


class Above(nn.Module):
    """The upper layers, which read tensors of this shape."""

    def __init__(self, layers: nn.Module, shape: tuple[int, ...]):
        super().__init__()
        self.layers, self.shape = layers, shape

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.reshape(-1, *self.shape))


def _upper(model: nn.Module, above: str, activation: str, shape: tuple[int, ...], x: Tensor) -> Own:
    _, layers = _halves(copy.deepcopy(model), above)
    if activation != "relu":
        set_activations(layers, activation)
    own = Own(Above(layers.cpu(), shape), x)
    own.rebuild = partial(_again, model, above, activation, shape, x)
    return own


def _again(
    model: nn.Module, above: str, activation: str, shape: tuple[int, ...], x: Tensor, seed: int
) -> Own:
    return _upper(model.rebuild(seed), above, activation, shape, x)


def _halves(model: nn.Module, above: str) -> tuple[fx.GraphModule, nn.Module]:
    """The network below and above this layer; ``ValueError`` where it cannot be cut."""
    names = [name for name, _ in model.named_parameters()]
    chosen = [name for name in names if name == above or name.startswith(f"{above}.")]
    if not chosen:
        parts = dict.fromkeys(name.rpartition(".")[0] for name in names)
        raise ValueError(f"no layer is called {above!r}; the last ones: {list(parts)[-8:]}")
    halves = cut(model.eval(), chosen)
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
    file = cache_root() / f"activations-{_key(below, images)}.pt"
    if file.exists():
        return torch.load(file, weights_only=True)
    maps = [
        infer(model, lambda x: below.to(x.device)(x)[0], images.take(rows))
        for rows in progress(torch.arange(len(images)).split(BATCH), "computing activations")
    ]
    with whole(file) as half:
        torch.save(torch.cat(maps), half)
    return torch.cat(maps)


def _key(below: fx.GraphModule, images: Split) -> str:
    digest = hashlib.sha256(f"{below.code}{below}{images.fingerprint()}".encode())
    digest.update(f"{images.mean}{images.std}{device().type}{torch.__version__}".encode())
    for tensor in (*below.state_dict().values(), *below.buffers()):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _as_maps(given: Tensor) -> Tensor:
    """Vectors and tokens in the shape of maps, ``[n, channels, height, width]``."""
    missing = 4 - given.dim()
    return given if missing <= 0 else given.reshape(*given.shape, *[1] * missing)

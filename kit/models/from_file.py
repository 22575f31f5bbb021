"""A network of torchvision's, as its users have it: weights in a file, layers left as they are."""

from pathlib import Path

import torch
from torch import Tensor, nn

from kit.models.activations import calls_relu, set_activations
from kit.models.base import Shape
from kit.models.checkpoints import load_state, read_state
from kit.models.heads import with_outputs
from kit.models.own import Own, rescaling, some_images
from kit.models.weights import save_weights
from kit.runtime.device import seeded
from kit.runtime.files import whole

# What torchvision's published weights were trained on: statistics of RGB values in [0, 1].
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def load_pretrained(
    name: str,
    file: str | Path,
    task: Shape,
    *,
    new_head: int | None = None,
    activation: str = "relu",
) -> Own:
    """torchvision's network ``name`` with the weights in ``file``.

    Parameters
    ----------
    name
        as in ``torchvision.models.get_model``: "resnet50", "mobilenet_v2", ...
    file
        a state dict, as ``torch.save(net.state_dict(), file)`` or torchvision's own downloads, or
        a training state that holds one; see ``kit.models.checkpoints``. No code in it is run.
    task
        a ``ForgetTask`` or ``ImageData``: its images must be RGB, its classes those of the network
        in the same order, unless the head is new.
    new_head
        seed of a random last layer for the classes of ``task``, in place of the file's. It is
        random and not zero: below a head of zeros every derivative vanishes.
    activation
        "leaky_relu" puts leaky ReLU (slope 0.01) in the place of ReLU and ReLU6, for
        linearisation; weights that were trained with those then need a little training again.

    Raises
    ------
    FileNotFoundError
        no such file.
    ValueError
        an unknown name, a file that holds something else, weights of another network, images that
        are not RGB or of a size that the network cannot take, another number of classes, a network
        without the activation that is to be replaced.
    """
    state = read_state(file)
    data = getattr(task, "data", task)
    if data.in_channels != 3:
        raise ValueError(
            f"torchvision's networks take RGB images, those of {data.name} have "
            f"{data.in_channels} channel; kit.datasets.from_folder reads RGB"
        )
    outputs = data.num_classes
    net = _network(name, outputs)
    if new_head is not None:
        outputs = _outputs(net, state) or outputs
        net = net if outputs == data.num_classes else _network(name, outputs)
    try:
        load_state(net, state)
    except ValueError as error:
        raise ValueError(f"{file} does not hold a {name} for {outputs} classes: {error}") from error
    set_activations(net, activation)
    x = some_images(data)
    try:
        if activation == "leaky_relu" and calls_relu(net, x):
            raise ValueError(f"{name} also calls relu as a function, which cannot be replaced")
        model = Own(net, x, rescale=rescaling(data, IMAGENET_MEAN, IMAGENET_STD))
    except (RuntimeError, AssertionError) as error:  # torchvision's transformers assert
        shape = tuple(x.shape[1:])
        raise ValueError(f"{name} cannot take images of shape {shape}: {error}") from error
    if new_head is not None:
        with seeded(new_head):
            model.replace_head(with_outputs(model.head, data.num_classes))
    return model


def save_pretrained(model: Own, file: str | Path) -> None:
    """Write the weights under the network's own names: ``net.load_state_dict(torch.load(file))``,
    or safetensors where the name ends so. The file is whole or not there.

    Raises
    ------
    ValueError
        a network of the kit's own.
    """
    if not isinstance(model, Own):
        raise ValueError(
            "only networks from load_pretrained or wrap have names of their own; write this one "
            "with torch.save(model.state_dict(), file)"
        )
    if Path(file).suffix == ".safetensors":
        return save_weights(model.net, file)
    with whole(Path(file)) as half:
        torch.save({name: t.cpu() for name, t in model.net.state_dict().items()}, half)
    return None


def _network(name: str, outputs: int) -> nn.Module:
    """torchvision's network with fresh weights."""
    from torchvision.models import get_model, list_models  # slow to import

    try:
        return get_model(name, weights=None, num_classes=outputs)
    except ValueError as error:
        close = [m for m in list_models() if m.startswith(name[:4])]
        raise ValueError(f"torchvision has no network {name!r}; close: {close[:5]}") from error


def _outputs(net: nn.Module, state: dict[str, Tensor]) -> int:
    """How many classes such a network has in a state dict; 0 if that holds something else."""
    last = list(net.state_dict())[-1]
    found = [t for n, t in state.items() if n == last or n.endswith(f".{last}")]
    return len(found[0]) if found and found[0].dim() else 0

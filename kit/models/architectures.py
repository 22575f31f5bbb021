"""The kit's own networks: ``build`` one by name, with fresh weights."""

from functools import partial

from kit.models.activations import set_activations
from kit.models.allcnn import AllCNN
from kit.models.base import Classifier, Shape
from kit.models.cnn import CNN
from kit.models.lenet import LeNet
from kit.models.resnet import ResNet
from kit.models.torchvision_nets import mobilenet_v2, resnet18, vit
from kit.models.vgg import CONVOLUTIONS, VGG
from kit.runtime.checks import known
from kit.runtime.device import seeded

_BUILDERS = {
    **{f"resnet{depth}": partial(ResNet, depth) for depth in (8, 20, 32, 44, 56)},
    **{f"vgg{depth}": partial(VGG, depth) for depth in CONVOLUTIONS},
    "allcnn": AllCNN,
    "cnn": CNN,
    "lenet": LeNet,
    "resnet18": resnet18,
    "mobilenet_v2": mobilenet_v2,
    "vit": vit,
}
_NEEDS_IMAGE_SIZE = {"lenet", "resnet18", "mobilenet_v2", "vit"}


def names() -> list[str]:
    """The networks that ``build`` knows."""
    return list(_BUILDERS)


def build(
    name: str, task: Shape, *, seed: int = 0, activation: str = "relu", **options
) -> Classifier:
    """A network with fresh weights for the images and classes of ``task``.

    Parameters
    ----------
    name
        one of ``names()``.
    task
        a ``ForgetTask`` or ``ImageData`` (gives channels, image size and classes).
    seed
        same seed, same weights.
    activation
        "relu", or "leaky_relu" (slope 0.01) for linearisation.
    options
        of the network: ``width`` (ResNet-8 to -56, VGG, AllCNN, CNN, LeNet, ViT),
        ``hidden`` (LeNet), ``depth`` (ViT), ``stem`` (ResNet-18).

    Raises
    ------
    ValueError
        an unknown name, option or activation.
    """
    known("model", name, _BUILDERS)
    shape = {"in_channels": task.in_channels, "num_classes": task.num_classes}
    if name in _NEEDS_IMAGE_SIZE:
        shape["image_size"] = task.image_size
    return _build(name, shape, activation, options, seed)


def _build(name: str, shape: dict, activation: str, options: dict, seed: int) -> Classifier:
    with seeded(seed):
        try:
            model = _BUILDERS[name](**shape, **options)
        except TypeError as error:
            raise ValueError(f"model {name!r} does not take {options}: {error}") from error
    set_activations(model, activation)
    model.spec = {"name": name, **shape, "activation": activation, **options}
    model.rebuild = partial(_build, name, shape, activation, options)
    return model.eval()

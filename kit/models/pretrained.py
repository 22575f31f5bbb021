"""Networks that come with weights trained on ImageNet, by name."""

from dataclasses import dataclass

from torch import Tensor

from kit.datasets import ImageData
from kit.models.activations import set_activations
from kit.models.base import Classifier, Shape
from kit.models.efficientnet import efficientnet_lite0
from kit.runtime.checks import known
from kit.runtime.device import seeded

PRETRAINED = {"efficientnet_lite0": efficientnet_lite0}


def pretrained(
    name: str, task: Shape, *, seed: int = 0, activation: str = "relu", **options
) -> Classifier:
    """A network that knows ImageNet, with a new last layer for the classes of ``task``.

    Fresh weights, as retraining needs them, are ImageNet's and another last layer: what the network
    knows of a class from there is never forgotten.

    Parameters
    ----------
    name
        "efficientnet_lite0".
    task
        a ``ForgetTask`` or ``ImageData`` of RGB images.
    seed
        of the last layer.
    activation
        "leaky_relu" puts leaky ReLU in the place of ReLU6 everywhere, for linearisation; see also
        ``kit.activations``, which can keep what lies below as it was trained.
    options
        ``size``: side in pixels to which images are enlarged first.

    Raises
    ------
    ValueError
        an unknown name, option or activation, images that are not RGB.
    ImportError
        the extra "pretrained" is not installed.
    """
    known("pretrained network", name, PRETRAINED)
    frame = Frame.of(getattr(task, "data", task))
    if frame.in_channels != 3:
        raise ValueError(
            f"{name} takes RGB images, those of {frame.name} have channels: {frame.in_channels}; "
            f"kit.datasets.from_folder reads RGB"
        )
    with seeded(seed):
        try:
            model = PRETRAINED[name](frame, **options)
        except TypeError as error:
            raise ValueError(f"{name} does not take {options}: {error}") from error
    set_activations(model, activation)
    model.name = name
    model.spec = {"name": name, "pretrained": True, "activation": activation, **options}
    model.spec |= {"num_classes": frame.num_classes}
    model.rebuild = _Again(name, frame, activation, options)
    return model.eval()


@dataclass(frozen=True, eq=False)
class Frame:
    """What a network must know of its images; it is small, unlike they."""

    name: str
    in_channels: int
    image_size: int
    num_classes: int
    statistics: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, data: ImageData) -> "Frame":
        return cls(**{name: getattr(data, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class _Again:
    """Makes the network anew, with a last layer from a seed."""

    name: str
    frame: Frame
    activation: str
    options: dict

    def __call__(self, seed: int) -> Classifier:
        return pretrained(
            self.name, self.frame, seed=seed, activation=self.activation, **self.options
        )

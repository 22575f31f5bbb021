"""What the layers of a network make of images: the input of the audits that look inside."""

import torch
from torch import Tensor

from kit.models import Classifier
from kit.splits import Split
from kit.training import infer


def features(model: Classifier, split: Split) -> Tensor:
    """The inputs of the last layer for all images of a split, float32 ``[n, width]`` on the CPU.

    Raises
    ------
    ValueError
        a model without ``features``.
    """
    if not hasattr(model, "features"):
        raise ValueError("the model has no features(x); kit.models.build makes models that do")
    return infer(model, model.features, split)


def stage_features(model: Classifier, split: Split) -> dict[str, Tensor]:
    """The output of each of ``model.stages``, averaged over the image: name -> float32
    ``[n, channels]`` on the CPU, shallow to deep."""
    caught: dict[str, Tensor] = {}

    def catch(name: str):
        def hook(module, inputs, output):
            caught[name] = output.mean((2, 3)) if output.dim() == 4 else output.flatten(1)

        return hook

    hooks = [model.get_submodule(name).register_forward_hook(catch(name)) for name in model.stages]

    def forward(x: Tensor) -> Tensor:
        model(x)
        return torch.cat(list(caught.values()), 1)

    try:
        everything = infer(model, forward, split)
    finally:
        for hook in hooks:
            hook.remove()
    parts = everything.split([part.shape[1] for part in caught.values()], 1)
    return dict(zip(caught, parts, strict=True))

"""Grad-CAM (Selvaraju et al. 2017): where in an image a network finds its evidence for a class."""

import torch
from torch import Tensor

from kit.models import Classifier
from kit.runtime.device import device


def grad_cam(model: Classifier, x: Tensor, target: int, *, stage: str | None = None) -> Tensor:
    """Heat maps of the evidence for class ``target``, through the ``grad-cam`` package.

    Parameters
    ----------
    x
        inputs as the network takes them, ``[n, channels, S, S]``, e.g. ``split.inputs()[:4]``.
    stage
        name of the module to look at, by default the deepest of ``model.stages``.

    Returns
    -------
    float32 ``[n, S, S]`` in [0, 1], each map scaled by its own maximum.

    Raises
    ------
    ValueError
        a class or stage that the network does not have.
    """
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    if not 0 <= target < model.head.out_features:
        raise ValueError(f"target must lie in 0..{model.head.out_features - 1}, got {target}")
    modules = dict(model.named_modules())
    stage = stage or model.stages[-1]
    if stage not in modules:
        raise ValueError(f"no stage {stage!r}; the network has {', '.join(model.stages)}")
    model = model.to(device())
    with GradCAM(model=model, target_layers=[modules[stage]]) as cam:
        maps = cam(x.to(device()), targets=[ClassifierOutputTarget(target)] * len(x))
    model.zero_grad(set_to_none=True)
    return torch.from_numpy(maps)

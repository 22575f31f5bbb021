"""Grad-CAM (Selvaraju et al. 2017): where in an image a network finds its evidence for a class."""

import torch
from torch import Tensor, nn

from kit.models import Classifier
from kit.models.base import check_classifier
from kit.models.modes import evaluating
from kit.models.stages import as_maps, channels_first
from kit.runtime.device import device


def grad_cam(model: Classifier, x: Tensor, target: int, *, stage: str | None = None) -> Tensor:
    """Heat maps of the evidence for class ``target``, through the ``grad-cam`` package.

    Parameters
    ----------
    x
        inputs as the network takes them, ``[n, channels, H, W]``, e.g. ``split.inputs()[:4]``.
    stage
        name of the module to look at, by default the deepest of ``model.stages`` that gives maps
        on which the answer depends. Tokens of a transformer lie on a square grid; behind the last
        block nothing but the class token counts, so that an earlier one is looked at.

    Returns
    -------
    float32 ``[n, H, W]`` in [0, 1], each map scaled by its own maximum.

    Raises
    ------
    ValueError
        no images, a class or stage that the network does not have, a stage without maps, a network
        that was not wrapped.
    """
    check_classifier(model)
    if not 0 <= target < model.head.out_features:
        raise ValueError(f"target must lie in 0..{model.head.out_features - 1}, got {target}")
    if not len(x):
        raise ValueError("Grad-CAM of no images is not defined")
    modules = dict(model.named_modules())
    if stage is not None and stage not in modules:
        raise ValueError(f"no stage {stage!r}; the network has {', '.join(model.stages)}")
    faults = []
    with evaluating(model.to(device())), torch.enable_grad():
        for name in [stage] if stage else reversed(model.stages):
            try:
                return _maps(model, modules[name], x.to(device()), target)
            except ValueError as fault:
                faults.append(f"stage {name}: {fault}")
    raise ValueError("; ".join(faults[:2]))


def _maps(model: Classifier, layer: nn.Module, x: Tensor, target: int) -> Tensor:
    """The heat maps of one layer, ``[n, H, W]``."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    tokens = []

    def on_a_grid(answer: object) -> Tensor:
        if not torch.is_tensor(answer):
            raise ValueError(f"it gives a {type(answer).__name__}, not a tensor")
        tokens.append(answer.dim() == 3)
        return as_maps(channels_first(answer, x))

    cam = GradCAM(model, [layer], reshape_transform=on_a_grid)
    cam.compute_input_gradient = True  # then layers that are frozen have gradients, too
    try:
        maps = cam(x, targets=[ClassifierOutputTarget(target)] * len(x))
        slopes = cam.activations_and_grads.gradients
        if not slopes or any(tokens) and not any(slope.any() for slope in slopes):
            raise ValueError("the answer does not depend on its maps: choose an earlier one")
    finally:
        cam.activations_and_grads.release()
        model.zero_grad(set_to_none=True)
    return torch.from_numpy(maps)

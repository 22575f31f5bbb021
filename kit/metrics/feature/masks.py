"""What a filter removes, and where a network looks, beside the true box of a feature."""

import torch
from torch import Tensor, nn

from kit.metrics.inside.gradcam import grad_cam
from kit.metrics.undefined import Undefined
from kit.models import Classifier
from kit.runtime.device import device
from kit.tasks import FeatureTask
from kit.training import batches


@torch.no_grad()
def mask_quality(
    image_filter: nn.Module, task: FeatureTask, attribute: int = 0
) -> dict[str, float]:
    """How well what is removed from test images that carry the feature fits its box.

    Returns
    -------
    ``removed``: mean change of a pixel, in [0, 1]; ``collateral``: the same over the pixels outside
    the box; ``energy_in_box``: share of all change that lies inside; ``mask_iou``: mean over images
    of intersection over union of "mask below one half" and the box.

    Raises
    ------
    ValueError
        a feature that is everywhere in the image.
    """
    boxes = _boxes(task, attribute)
    changes, holes = [], []
    for x, _ in batches(task.pairs(attribute)[1]):
        mask = image_filter.mask(x)
        changed = (image_filter.pixels(x) * (1 - mask)).abs().mean(1)
        changes.append(changed.cpu())
        holes.append((mask < 0.5).any(1).cpu())
    change, hole = torch.cat(changes).double(), torch.cat(holes)
    union = (hole | boxes).flatten(1).sum(1)
    return {
        "removed": change.mean().item(),
        "collateral": change[~boxes].mean().item(),
        "energy_in_box": (change[boxes].sum() / change.sum().clamp_min(1e-12)).item(),
        "mask_iou": ((hole & boxes).flatten(1).sum(1) / union).double().mean().item(),
    }


def gradcam_share(
    model: Classifier, task: FeatureTask, attribute: int = 0, *, images: int = 200
) -> float:
    """Share of the Grad-CAM evidence for the predicted class inside the box, over the box's share
    of the image: 1 is indifferent, more says that the network looks at the feature."""
    boxes = _boxes(task, attribute)[:images].double()
    split = task.test.take(torch.arange(min(images, len(task.test))))
    with torch.no_grad():
        said = torch.cat([model.to(device())(x).argmax(1).cpu() for x, _ in batches(split)])
    maps = torch.zeros(boxes.shape, dtype=torch.float64)
    inputs = split.inputs()
    for c in said.unique().tolist():
        maps[said == c] = grad_cam(model, inputs[said == c], c).double()
    mass = maps.sum((1, 2))
    seen = mass > 0
    if not seen.any():
        raise Undefined("Grad-CAM finds no evidence in any of the images")
    inside = (maps * boxes).sum((1, 2))[seen] / mass[seen]
    return (inside.mean() / boxes.mean()).item()


def _boxes(task: FeatureTask, attribute: int) -> Tensor:
    boxes = task.boxes(attribute)
    if boxes is None:
        raise ValueError(f"{task.attributes[attribute]} is everywhere in the image: it has no box")
    return boxes[task.test.rows]

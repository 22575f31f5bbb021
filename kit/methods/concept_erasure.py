"""Linear concept erasure (LEACE, Belrose et al., NeurIPS 2023) before the last layer.

Of the features h, with mean m, the part that is linearly correlated with the attribute a is removed
by the smallest possible change:

    r(h) = h - W^+ P W (h - m),   W = Cov(h)^(-1/2),   P the projection on the range of W Cov(h, a)

No linear reader of r(h) then does better than a constant. The eraser is affine and so becomes part
of the last layer; the features below it stay as they are. Where that has no bias, the constant part
is left out: a linear reader is as blind, only the change is not the smallest.

Needs    the training images with the annotations of the feature.
Cost     one forward pass over them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kit.methods import Needs, TaskView, register
from kit.metrics.inside.features import features
from kit.models.heads import editable_head


@dataclass(frozen=True)
class Config:
    """LEACE has no settings."""


@register(
    "concept_erasure",
    level=("feature",),
    needs=Needs(train="all", annotations=True),
    paper="belrose2023leace",
    config=Config,
)
def concept_erasure(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Fold the eraser into the last layer."""
    seen = features(model, view.train)
    keep, shift = leace(seen, view.annotations)
    head = editable_head(model, linear=True)
    weight = head.weight.detach().double()
    keep, shift = keep.to(weight), shift.to(weight)
    with torch.no_grad():
        if head.bias is not None:
            head.bias += (weight @ shift).to(head.bias)
        head.weight.copy_((weight @ keep).to(head.weight))
    return {}


def leace(features: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """The eraser ``h -> keep @ h + shift`` of attributes (Belrose et al. 2023, theorem 4.3).

    Parameters
    ----------
    features
        ``[n, width]``.
    values
        ``[n, k]``.

    Returns
    -------
    ``keep`` ``[width, width]`` and ``shift`` ``[width]``, float64.

    Raises
    ------
    ValueError
        fewer images than 2, or lengths that differ.
    """
    if len(features) != len(values) or len(features) < 2:
        raise ValueError(f"{len(features)} features and {len(values)} annotations do not match")
    h, a = features.double(), values.double()
    mean = h.mean(0)
    h, a = h - mean, a - a.mean(0)
    covariance, cross = h.T @ h / len(h), h.T @ a / len(h)
    eigenvalues, axes = torch.linalg.eigh(covariance)
    alive = eigenvalues > eigenvalues.max() * 1e-10  # channels that never fire have none
    root = eigenvalues[alive].sqrt()
    whiten = (axes[:, alive] / root) @ axes[:, alive].T
    unwhiten = (axes[:, alive] * root) @ axes[:, alive].T
    axes, sizes, _ = torch.linalg.svd(whiten @ cross, full_matrices=False)
    concept = axes[:, sizes > 1e-10 * sizes.max()]
    remove = unwhiten @ concept @ concept.T @ whiten
    return torch.eye(len(mean), dtype=torch.float64) - remove, remove @ mean

"""How much each weight matters to a set of images: its gradients, image by image or in batches.

The square of a *batch's* mean gradient is another quantity, smaller by up to the batch size and
dependent on the order of the images; published code often takes it for the Fisher information.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from kit.datasets.split import Split
from kit.parts.freezing import trainable
from kit.runtime.checks import one_of
from kit.runtime.cost import count_passes
from kit.runtime.device import device
from kit.training import at_once, batches

AT_ONCE = 50  # gradients of so many images are held at once


def squared_gradients(model: nn.Module, split: Split, *, labels: str = "true") -> dict[str, Tensor]:
    """``E_x (d/dtheta CE(f(x), y))^2`` for every parameter, the network in eval mode.

    Parameters
    ----------
    labels
        "true": y is the image's label (the empirical Fisher information). "model": the expectation
        over y as the network itself answers, ``sum_y p(y|x) (d/dtheta log p(y|x))^2``: the diagonal
        of the Fisher information, at as many backward passes as there are classes.
    """
    one_of("labels", labels, ("true", "model"))
    model.to(device()).eval()
    parameters = {name: p.detach() for name, p in trainable(model).items()}
    buffers = dict(model.named_buffers())

    def loss(parameters: dict, x: Tensor, y: Tensor) -> Tensor:
        logits = functional_call(model, (parameters, buffers), (x[None],))
        return F.cross_entropy(logits, y[None])

    def one_by_one(parameters: dict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        each = [_gradients(model, x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
        return {name: torch.stack([g[name] for g in each]) for name in parameters}

    of_each = vmap(grad(loss), in_dims=(None, 0, 0))
    total = {name: torch.zeros_like(p) for name, p in parameters.items()}
    some = max(1, at_once(split, 4 * AT_ONCE) // 4)
    for x, y in batches(split, some):
        for labels_, weights in _weighted_labels(model, x, y, labels):
            count_passes(split.kind, forward=len(x), backward=len(x))
            try:
                gradients = of_each(parameters, x, labels_)
            except RuntimeError:  # a network that looks at its numbers cannot be vectorised
                of_each = one_by_one
                gradients = of_each(parameters, x, labels_)
            for name, gradient in gradients.items():
                total[name] += torch.einsum("b...,b->...", gradient.square(), weights)
    return {name: value / len(split) for name, value in total.items()}


def batch_gradients(
    model: nn.Module, split: Split, batch_size: int, reduction: str = "sum"
) -> Iterator[dict[str, Tensor]]:
    """The gradient of the cross-entropy over one batch after the other, the network in eval mode;
    ``reduction`` over a batch's images is "sum" or "mean"."""
    model.to(device()).eval()
    for x, y in batches(split, batch_size):
        count_passes(split.kind, forward=len(x), backward=len(x))
        yield _gradients(model, x, y, reduction)


def summed_gradient(model: nn.Module, split: Split, batch_size: int) -> dict[str, Tensor]:
    """The gradient of the cross-entropy summed over all images of a split."""
    total = {name: torch.zeros_like(p) for name, p in trainable(model.to(device())).items()}
    for gradients in batch_gradients(model, split, at_once(split, batch_size)):
        for name, gradient in gradients.items():
            total[name] += gradient
    return total


def _gradients(model: nn.Module, x: Tensor, y: Tensor, reduction: str = "sum") -> dict[str, Tensor]:
    """Of the cross-entropy over a batch; 0 for a parameter that has no part in it."""
    parameters = trainable(model)
    loss = F.cross_entropy(model(x), y, reduction=reduction)
    gradients = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
    return dict(zip(parameters, gradients, strict=True))


@torch.no_grad()
def _weighted_labels(
    model: nn.Module, x: Tensor, y: Tensor, labels: str
) -> list[tuple[Tensor, Tensor]]:
    """Labels ``[B]`` with the weight ``[B]`` of each."""
    if labels == "true":
        return [(y, torch.ones_like(y, dtype=x.dtype))]
    shares = model(x).softmax(1)
    return [(torch.full_like(y, c), shares[:, c]) for c in range(shares.shape[1])]

"""What every audit refuses: no images, and numbers that are none."""

import torch
from torch import Tensor

from kit.metrics.undefined import Undefined


def check_numbers(what: str, *tensors: Tensor) -> None:
    """``ValueError`` if one of the tensors is empty or contains NaN.

    An audit of nothing would be 0 or NaN, and 0 is a good result for many.
    """
    for tensor in tensors:
        if tensor.numel() == 0:
            raise Undefined(f"{what} of no images is not defined")
        if torch.isnan(tensor).any():
            raise ValueError(f"{what}: the numbers contain NaN, the model is broken")


def check_margins(what: str, *margins: Tensor) -> None:
    """``ValueError`` if margins ``[models, images]`` are empty, NaN or infinite.

    A model that diverged would spoil the numbers of all others, or count as unlike them all; so
    would an infinite margin, of a confidence that was rounded to 1.
    """
    for tensor in margins:
        if tensor.numel() == 0:
            raise Undefined(f"{what} of no images or no models is not defined")
        wrong = ~torch.isfinite(tensor)
        if wrong.any():
            models = (wrong.flatten(1).any(1) if tensor.dim() > 1 else wrong).nonzero().flatten()
            kind = "NaN" if torch.isnan(tensor).any() else "infinite values"
            raise ValueError(
                f"{what}: the margins of models {models.tolist()[:5]} contain {kind}, they are "
                f"broken: leave them out, or clamp margins that are merely too large"
            )

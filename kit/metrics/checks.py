"""What every audit refuses: no images, and numbers that are none."""

import torch
from torch import Tensor


def check_numbers(what: str, *tensors: Tensor) -> None:
    """``ValueError`` if one of the tensors is empty or contains NaN.

    An audit of nothing would be 0 or NaN, and 0 is a good result for many.
    """
    for tensor in tensors:
        if len(tensor) == 0:
            raise ValueError(f"{what} of no images is not defined")
        if torch.isnan(tensor).any():
            raise ValueError(f"{what}: the numbers contain NaN, the model is broken")

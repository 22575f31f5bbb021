"""The parts of a network whose answers are worth looking at, shallow to deep."""

import math

import torch
from torch import Tensor, nn

from kit.models.hooks import listening

MOST = 4  # the deepest ones


def find_stages(model: nn.Module, x: Tensor, head: str) -> list[str]:
    """Names of the parts in front of the last layer ``head`` that give a tensor on ``x``.

    A part that gives something else, or is the only one and holds the head as well, is entered.
    """
    answers = {}
    names = [name for name, _ in model.named_modules() if name]
    with torch.no_grad(), listening(model, names, lambda n, _, output: answers.update({n: output})):
        model(x)

    def parts_of(whole: str) -> list[str]:
        inner = model.get_submodule(whole)
        within = f"{whole}." if whole else ""
        parts = [within + n for n, m in inner.named_children() if any(True for _ in m.parameters())]
        if len(parts) == 1 and head.startswith(f"{parts[0]}."):
            return parts_of(parts[0])
        found = []
        for part in parts:
            if head != part and not head.startswith(f"{part}."):
                found += [part] if _is_map(answers.get(part), len(x)) else parts_of(part)
        return found

    return parts_of("")[-MOST:]


def _is_map(answer: object, count: int) -> bool:
    return torch.is_tensor(answer) and answer.dim() > 1 and len(answer) == count


def channels_first(answer: Tensor, x: Tensor) -> Tensor:
    """Maps ``[B, h, w, C]``, as a Swin transformer gives them, as ``[B, C, h, w]``: they are known
    by square images ``x`` having square maps."""
    last = answer.dim() == 4 and x.shape[2] == x.shape[3]
    last = last and answer.shape[1] == answer.shape[2] != answer.shape[3]
    return answer.permute(0, 3, 1, 2) if last else answer


def as_maps(answer: Tensor) -> Tensor:
    """A stage's answer as maps ``[B, C, h, w]``.

    Tokens ``[B, T, C]`` lie on a square, behind a class token if there is one more.

    Raises
    ------
    ValueError
        an answer that is no map.
    """
    if answer.dim() == 4:
        return answer
    side = math.isqrt(answer.shape[1]) if answer.dim() == 3 else 0
    if not side or answer.shape[1] - side**2 > 1:
        raise ValueError(f"this stage gives {tuple(answer.shape)}, no maps: choose an earlier one")
    grid = answer[:, -(side**2) :].transpose(1, 2)
    return grid.reshape(len(answer), -1, side, side)

"""Distillation: keep answering as a teacher does (Hinton, Vinyals and Dean 2015)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from kit.runtime.cost import count_passes


@torch.no_grad()
def answers(
    teacher: Callable[[Tensor], Tensor], x: Tensor, kind: str, forgotten: Tensor | None = None
) -> Tensor:
    """What a teacher says about a batch, without a gradient; the pass is counted.

    Parameters
    ----------
    x
        ``[B, C, H, W]``.
    kind
        of the images, by which the pass counts ("retain", "forget", "train").
    forgotten
        bool ``[B]``: the images that count as "forget" instead.
    """
    asked = 0 if forgotten is None else int(forgotten.sum())
    count_passes("forget", forward=asked)
    count_passes(kind, forward=len(x) - asked)
    return teacher(x)


def distillation(
    student: Tensor, teacher: Tensor, temperature: float = 2.0, scaled: bool = True
) -> Tensor:
    """``KL(softmax(teacher / T) || softmax(student / T))``, a value for each row, in nats.

    Parameters
    ----------
    student, teacher
        logits ``[n, classes]``.
    scaled
        times ``T ** 2``, so that the gradient is as large at every temperature.

    Returns
    -------
    ``[n]``, 0 where both say the same.
    """
    ours = F.log_softmax(student.float() / temperature, 1)
    theirs = F.log_softmax(teacher.float() / temperature, 1)
    rows = F.kl_div(ours, theirs, reduction="none", log_target=True).sum(1)
    return rows * temperature**2 if scaled else rows

"""Distillation: keep answering as a teacher does (Hinton, Vinyals and Dean 2015)."""

import torch.nn.functional as F
from torch import Tensor


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

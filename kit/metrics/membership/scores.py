"""What one model says about one image: the scores that membership attacks are built on.

Each function takes logits ``[n, classes]`` and labels ``[n]`` (entropy: logits alone) and returns a
score per image, float32 ``[n]``, natural logarithms. No row depends on another. Members of the
training set tend to have a high confidence and margin, a low loss and low entropies.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def confidence(logits: Tensor, labels: Tensor) -> Tensor:
    """Probability of the true label, ``p_y``, in [0, 1]."""
    return _own(F.softmax(logits, 1), labels)


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy ``-log p_y``, in [0, inf)."""
    return F.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit-scaled confidence ``log p_y - log(1 - p_y) = z_y - log sum_{k != y} exp z_k``.

    Unlike confidence it is close to normally distributed over trainings (Carlini et al. 2022), and
    the second form does not overflow.
    """
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return _own(logits, labels) - others.logsumexp(1)


def entropy(logits: Tensor) -> Tensor:
    """Entropy of the prediction, ``-sum_k p_k log p_k``, in [0, log classes]."""
    return torch.special.entr(F.softmax(logits, 1)).sum(1)


def modified_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Entropy that knows the true label (Song and Mittal, USENIX Security 2021), in [0, inf).

    ``-(1 - p_y) log p_y - sum_{k != y} p_k log(1 - p_k)``: 0 for a confident right answer, large
    for a confident wrong one, where the plain entropy is 0 for both.
    """
    log_p = F.log_softmax(logits.double(), 1)
    p = log_p.exp()
    log_not_p = torch.log1p(-p).clamp_min(-100)  # log(1 - p) where p rounds to 1
    wrong = (p * log_not_p).scatter(1, labels[:, None], 0.0).sum(1)
    return (-(1 - _own(p, labels)) * _own(log_p, labels) - wrong).float()


def _own(values: Tensor, labels: Tensor) -> Tensor:
    """The entry of each row that belongs to its label: ``[n, classes]``, ``[n]`` -> ``[n]``."""
    return values.gather(1, labels[:, None]).squeeze(1)

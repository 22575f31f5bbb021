"""Is a network only the one before, with some answers put out of reach?

Nothing of the weights is looked at: a mask may be a bias, a row of zeros, a wrapper around the
network, or a last layer behind rotated features. Two things give it away. The *answers* over the
classes that remain are those of before, image by image, as no retrained network's are. Or the
*features* of before can be computed from those of now by one linear map, and the other way round.

The limits below were set before any method was looked at: retrained networks lie far on the other
side of both (``results/records``, experiment "masking").
"""

import math

import torch
from torch import Tensor, nn

from kit.metrics.answers.accuracy import accuracy
from kit.metrics.inside.features import features
from kit.metrics.inside.probes import needs_classes
from kit.models import Classifier
from kit.tasks import ForgetTask
from kit.training import predict

SAME_ANSWERS = 0.02  # total variation: at most, to be those of before
SAME_FEATURES = 0.99  # share of variance: at least, to be those of before
RIDGE = 1e-6  # of the mean variance of a feature
FITTED = 2000  # training images that the linear maps are fitted on, at most


def masking(before: Classifier, after: Classifier, task: ForgetTask) -> dict[str, float]:
    """What of ``before`` is left in ``after``, beyond the answers that were to go.

    Returns
    -------
    a dict of floats:

    ``answers_changed``
        mean total variation, in [0, 1], of the two networks' softmax over the retained classes, on
        all test images. 0 for a mask, however it is made.
    ``features_kept``
        share, at most 1, of the variance among the forgotten test images in one network's features
        that a linear map of the other's explains, the map fitted on retained training images; the
        larger of both directions. 1 for a mask behind the features; NaN where a network does not
        show them.
    ``only_masked``
        1 if the forgotten classes are gone from the answers (recall at or below chance, as it was
        not before), and answers or features are those of before, the answers on the forgotten
        test images and on the others alike; else 0.
    ``unchanged``
        1 if all answers are those of before, those for the forgotten classes too, on the forgotten
        test images and on the others; else 0.

    Good values are the retrained model's; its ``only_masked`` is 0.

    Raises
    ------
    ValueError
        a task that does not forget classes.
    """
    needs_classes(task)
    said = [_said(net, task) for net in (before, after)]
    changed = _over_the_rest(said, task)
    kept = math.nan  # of a network that does not show what enters its last layer
    if hasattr(before, "features") and hasattr(after, "features"):
        kept = max(_explained(before, after, task), _explained(after, before, task))
    labels, count = task.test_forget.y, len(task.test_forget)
    chance = len(task.forget_classes) / task.num_classes
    # Apart: among the images of 100 classes those of one, which every retrained network answers
    # otherwise, would not be noticed.
    parts = [[logits[:count] for logits in said], [logits[count:] for logits in said]]
    recall_before, recall_after = (accuracy(logits[:count], labels) for logits in said)
    gone = recall_after <= chance < recall_before
    moved = max(_over_the_rest(part, task) for part in parts)
    same = moved <= SAME_ANSWERS or kept >= SAME_FEATURES
    return {
        "answers_changed": changed,
        "features_kept": kept,
        "only_masked": float(gone and same),
        "unchanged": float(max(_distance(*part) for part in parts) <= SAME_ANSWERS),
    }


def answers_changed(before: nn.Module, after: nn.Module, task: ForgetTask) -> float:
    """The number of this name in ``masking``, alone: it is cheap, and needs no features."""
    needs_classes(task)
    return _over_the_rest([_said(net, task) for net in (before, after)], task)


def _said(net: nn.Module, task: ForgetTask) -> Tensor:
    """Logits of all test images, those of the forgotten classes first."""
    return torch.cat([predict(net, split) for split in (task.test_forget, task.test_retain)])


def _over_the_rest(said: list[Tensor], task: ForgetTask) -> float:
    keep = [c for c in range(task.num_classes) if c not in task.forget_classes]
    return _distance(*(logits[:, keep] for logits in said))


def _distance(logits: Tensor, other: Tensor) -> float:
    """Mean total variation of the softmax of two sets of logits."""
    p, q = (x.double().softmax(1) for x in (logits, other))
    return 0.5 * (p - q).abs().sum(1).mean().item()


def _explained(source: Classifier, target: Classifier, task: ForgetTask) -> float:
    """Share of variance of the target's features of forgotten test images that a linear map of
    the source's explains."""
    per_class = max(1, FITTED // len(task.retain.y.unique()))
    known = task.retain.per_class(per_class, seed=0)
    x, y = (features(net, known).double() for net in (source, target))
    mean_x, mean_y = x.mean(0), y.mean(0)
    x, y = x - mean_x, y - mean_y
    ridge = RIDGE * x.square().sum() / x.shape[1] + 1e-12
    gram = x.T @ x + ridge * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(gram, x.T @ y)
    a, b = (features(net, task.test_forget).double() for net in (source, target))
    missed = (b - mean_y - (a - mean_x) @ weights).square().sum()
    spread = (b - b.mean(0)).square().sum()
    return (1 - missed / spread.clamp_min(1e-12)).item()

"""Is a network only the one before, with some answers put out of reach?

Nothing of the weights is looked at: a mask may be a bias, a row of zeros, a wrapper around the
network, another temperature, or a last layer behind rotated features. What gives it away are its
*answers* over the classes that remain: on pictures of the forgotten class their log-odds are those
of before, up to one temperature and an offset per class. A retrained network has its own opinion
about pictures that it never saw. Log-odds are compared, and not probabilities: where both networks
are sure, probabilities are equal whatever the networks know.

The *features* are a second witness: those of before can be computed from those of now by a linear
map, or the other way round. That alone says only that the last layer differs, as it also does after
an honest retraining of the last layer.

The experiment "masking" counts how many of 20 retrained networks are accused.
"""

import math

import torch
from torch import Tensor, nn

from kit.metrics.answers.accuracy import accuracy
from kit.metrics.inside.cka import linear_cka
from kit.metrics.inside.features import features
from kit.metrics.inside.probes import needs_classes
from kit.models import Classifier
from kit.tasks import ForgetTask
from kit.training import predict

UNMOVED = 0.02  # total variation: at most, to be called unchanged
SAME = 0.99  # share of variance: at least, to be those of before
EQUAL = 1e-6  # share of the squares: at most, to be equal but for rounding
SAME_GRAM = 0.9999  # CKA: at least, where there are too few images for a linear map
RIDGE = 1e-6  # of the mean variance of a feature
FITTED = 2000  # training images that the linear maps are fitted on, at most


def masking(before: Classifier, after: Classifier, task: ForgetTask) -> dict[str, float]:
    """What of ``before`` is left in ``after``, beyond the answers that were to go.

    Returns
    -------
    a dict of floats:

    ``answers_changed``
        mean total variation, in [0, 1], of the two networks' softmax over the retained classes, on
        all test images. 0 for a mask.
    ``answers_kept``
        share, at most 1, of the variance of the log-odds over the retained classes, among forgotten
        test images, that those of before explain; temperature and offsets are fitted on the other
        test images. 1 for a mask, however it is made. NaN with one retained class, or
        of one image whose answers differ.
    ``features_kept``
        share, at most 1, of the variance among the forgotten test images in one network's features
        that a linear map of the other's explains, the map fitted on retained training images; the
        larger of both directions. NaN where a network does not show them, where they are the same
        for all images, or where there are too few images to tell.
    ``only_masked``
        1 if the forgotten classes are gone from the answers (recall at or below guessing, as it was
        not before) and ``answers_kept`` is at least 0.99; else 0.
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
    labels, count = task.test_forget.y, len(task.test_forget)
    recalls = [accuracy(logits[:count], labels) for logits in said]
    gone = recalls[1] <= 1 / task.num_classes < recalls[0]
    answers = _answers_kept(*(logits[:, _others(task)] for logits in said), count)
    # Apart: among the images of 100 classes those of one would not be noticed.
    parts = [[logits[:count] for logits in said], [logits[count:] for logits in said]]
    return {
        "answers_changed": _over_the_rest(said, task),
        "answers_kept": answers,
        "features_kept": _features_kept(before, after, task),
        "only_masked": float(gone and answers >= SAME),
        "unchanged": float(max(_distance(*part) for part in parts) <= UNMOVED),
    }


def answers_changed(before: nn.Module, after: nn.Module, task: ForgetTask) -> float:
    """The number of this name in ``masking``, alone: it is cheap, and needs no features."""
    needs_classes(task)
    return _over_the_rest([_said(net, task) for net in (before, after)], task)


def _said(net: nn.Module, task: ForgetTask) -> Tensor:
    """Logits of all test images, those of the forgotten classes first; of a network that gives
    probabilities their logarithms."""
    logits = torch.cat([predict(net, split) for split in (task.test_forget, task.test_retain)])
    ones = torch.ones(len(logits))
    if (logits >= 0).all() and torch.allclose(logits.sum(1), ones, atol=1e-3):
        return logits.double().clamp_min(1e-30).log()
    return logits.double()


def _others(task: ForgetTask) -> list[int]:
    """The classes that are neither forgotten now nor were before."""
    out = {*task.forget_classes, *task.gone.classes}
    return [c for c in range(task.num_classes) if c not in out]


def _over_the_rest(said: list[Tensor], task: ForgetTask) -> float:
    return _distance(*(logits[:, _others(task)] for logits in said))


def _distance(logits: Tensor, other: Tensor) -> float:
    """Mean total variation of the softmax of two sets of logits."""
    return 0.5 * (logits.softmax(1) - other.softmax(1)).abs().sum(1).mean().item()


def _answers_kept(before: Tensor, after: Tensor, count: int) -> float:
    """Share of the variance of the centred logits of the first ``count`` images that those of
    before explain, with a temperature and offsets from the other images."""
    if before.shape[1] < 2 or not (before.isfinite() & after.isfinite()).all():
        return math.nan
    before, after = (logits - logits.mean(1, keepdim=True) for logits in (before, after))
    x, y = before[count:], after[count:]
    offset_x, offset_y = x.mean(0), y.mean(0)
    x, y = x - offset_x, y - offset_y
    warmth = (x * y).sum() / x.square().sum().clamp_min(1e-12)
    asked = after[:count]
    missed = asked - offset_y - warmth * (before[:count] - offset_x)
    if count < 2:  # one image has no spread: equal answers are told, and nothing else
        equal = missed.square().sum() <= EQUAL * asked.square().sum()
        return 1.0 if equal else math.nan
    spread = (asked - asked.mean(0)).square().sum()
    return _share(missed.square().sum(), spread, y.square().mean() * asked.numel())


def _features_kept(before: nn.Module, after: nn.Module, task: ForgetTask) -> float:
    """The larger share of both directions; NaN where there is none."""
    if not (hasattr(before, "features") and hasattr(after, "features")):
        return math.nan
    per_class = max(1, FITTED // len(task.retain.y.unique()))
    splits = (task.retain.per_class(per_class, seed=0), task.test_forget)
    known, asked = ([features(net, s).double() for net in (before, after)] for s in splits)
    if len(known[0]) < 2 * max(part.shape[1] for part in known):
        alike = len(asked[0]) >= 4 and all(bool((a - a.mean(0)).any()) for a in asked)
        return 1.0 if alike and linear_cka(*asked) >= SAME_GRAM else math.nan
    shares = [_explained(known, asked, way) for way in ((0, 1), (1, 0))]
    return max((share for share in shares if not math.isnan(share)), default=math.nan)


def _explained(known: list[Tensor], asked: list[Tensor], way: tuple[int, int]) -> float:
    """Share of variance among the features asked for that a ridge regression explains."""
    source, target = way
    x, y = known[source], known[target]
    mean_x, mean_y = x.mean(0), y.mean(0)
    x, y = x - mean_x, y - mean_y
    ridge = RIDGE * x.square().sum() / x.shape[1] + 1e-12
    weights = torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)
    a, b = asked[source], asked[target]
    missed = (b - mean_y - (a - mean_x) @ weights).square().sum()
    return _share(missed, (b - b.mean(0)).square().sum(), y.square().mean() * b.numel())


def _share(missed: Tensor, spread: Tensor, usual: Tensor) -> float:
    """``1 - missed / spread``; NaN where the spread is nothing beside what is usual."""
    if spread <= 1e-6 * usual or usual <= 1e-20:
        return math.nan
    return (1 - missed / spread).item()

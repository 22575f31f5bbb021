"""What the features still know, whatever the last layer says.

The good value of each is the retrained model's, not chance: features that never saw a class may
separate it all the same. What a method left behind is the excess over retraining.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split, synthetic
from kit.metrics.answers.accuracy import accuracy
from kit.metrics.inside.features import features
from kit.metrics.undefined import Undefined
from kit.models import Classifier
from kit.runtime.device import seeded
from kit.tasks import ForgetTask
from kit.training import Recipe, fit, predict

PENALTY = 1e-3  # L2 on the weights of the linear probe, per image, after standardising
HEAD = Recipe(epochs=5, batch_size=128, optimizer="adam", lr=3e-3, weight_decay=0.0, bf16=False,
              schedule="constant", label_smoothing=0.0)  # fmt: skip


def prototype_recall(
    model: Classifier, task: ForgetTask, *, per_class: int = 100, draws: int = 1, seed: int = 0
) -> float:
    """Recall of the forgotten classes by the nearest class mean of the features, in [0, 1].

    The means are taken over ``per_class`` training images of every class, the forgotten ones
    included, and compared by Euclidean distance on ``test_forget``. The last layer plays no part: a
    method that changed only that one scores as the original does. With few images a class, average
    over several ``draws`` of them.

    Raises
    ------
    ValueError
        a task that does not forget classes, or a model without ``features``.
    """
    needs_classes(task)
    asked = features(model, task.test_forget)
    recalls = []
    for draw in range(draws):
        sample = task.train.per_class(per_class, seed + draw)
        nearest = nearest_class(asked, features(model, sample), sample.y)
        recalls.append((nearest == task.test_forget.y).double().mean().item())
    return sum(recalls) / draws


def nearest_class(asked: Tensor, known: Tensor, labels: Tensor, cosine: bool = False) -> Tensor:
    """The class whose mean feature is nearest, by Euclidean distance or by angle.

    Parameters
    ----------
    asked
        features ``[n, width]``.
    known, labels
        features ``[m, width]`` and classes ``[m]`` that the means are taken over.

    Returns
    -------
    classes ``[n]``.
    """
    classes = labels.unique()
    means = torch.stack([known[labels == c].mean(0) for c in classes])
    if cosine:
        asked, means = F.normalize(asked, dim=1), F.normalize(means, dim=1)
    return classes[torch.cdist(asked, means).argmin(1)]


def linear_probe(
    model: Classifier, task: ForgetTask, *, per_class: int = 200, seed: int = 0,
    shuffled: bool = False,
) -> dict[str, float]:  # fmt: skip
    """A linear classifier of all classes on the frozen features: what can be read off them.

    Multinomial logistic regression on standardised features of ``per_class`` training images of
    every class with their true labels, the forgotten ones included; L2 penalty 1e-3 per image.

    Parameters
    ----------
    shuffled
        the control: labels permuted, so that the recall must fall to chance.

    Returns
    -------
    ``forget`` and ``retain``: accuracy on test images of the forgotten and of the other classes, in
    [0, 1].
    """
    needs_classes(task)
    sample = task.train.per_class(per_class, seed)
    known = features(model, sample)
    labels = sample.y
    if shuffled:
        generator = torch.Generator().manual_seed(seed)
        labels = labels[torch.randperm(len(labels), generator=generator)]
    probe, standardise = fit_probe(known, labels)

    def share(split: Split) -> float:
        return float(probe.score(standardise(features(model, split)), split.y.numpy()))

    return {"forget": share(task.test_forget), "retain": share(task.test_retain)}


def head_recovery(
    model: Classifier, task: ForgetTask, *, per_class: int | None = None, seed: int = 0
) -> dict[str, float]:
    """A fresh last layer on the frozen rest, trained on ``per_class`` images a class (None: all).

    If the forgotten classes come back as in the original, only the last layer had changed.

    Returns
    -------
    ``forget`` and ``retain``: test accuracy with the new head, in [0, 1].
    """
    needs_classes(task)

    def frozen(split: Split) -> Split:  # features as images of one pixel
        return synthetic(split, features(model, split)[:, :, None, None], split.y)

    with seeded(seed):
        head = nn.Sequential(nn.Flatten(), nn.Linear(model.head.in_features, task.num_classes))
    known = task.train if per_class is None else task.train.per_class(per_class, seed)
    fit(head, frozen(known), HEAD, seed=seed, title="fresh head")
    return {
        "forget": accuracy(predict(head, frozen(task.test_forget)), task.test_forget.y),
        "retain": accuracy(predict(head, frozen(task.test_retain)), task.test_retain.y),
    }


def probe_information(train: Tensor, is_forget: Tensor, test: Tensor, truth: Tensor) -> float:
    """Nats that features carry about "forgotten or not", as far as a linear probe can read them.

    ``log 2 - CE`` of a class-balanced logistic regression, clamped to [0, log 2]: a lower bound of
    the mutual information of features ``[n, width]`` and the indicator ``[n]`` (both parts balanced
    by weights).
    """
    probe, standardise = fit_probe(train, is_forget, class_weight="balanced")
    log_p = torch.from_numpy(probe.predict_log_proba(standardise(test)))
    own = log_p.gather(1, truth.long()[:, None]).squeeze(1)
    cross_entropy = -(own[truth].mean() + own[~truth].mean()) / 2
    return (math.log(2) - cross_entropy).clamp(0, math.log(2)).item()


def fit_probe(known: Tensor, labels: Tensor, **options) -> tuple[object, Callable]:
    """scikit-learn's logistic regression on standardised features, and how to standardise others
    alike; ``ValueError`` for images of one class only."""
    if len(labels.unique()) < 2:
        raise Undefined("a probe needs images of at least two classes to learn from")
    from sklearn.linear_model import LogisticRegression  # slow to import

    mean, std = known.mean(0), known.std(0).clamp_min(1e-6)

    def standardise(features: Tensor) -> np.ndarray:
        return ((features - mean) / std).numpy()

    probe = LogisticRegression(C=1 / (PENALTY * len(known)), max_iter=500, **options)
    return probe.fit(standardise(known), labels.numpy()), standardise


def needs_classes(task: ForgetTask) -> None:
    """``ValueError`` for a task that forgets samples."""
    if task.test_forget is None:
        raise ValueError("probes ask for forgotten classes; this task forgets samples")

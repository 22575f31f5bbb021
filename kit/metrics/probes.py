"""What the features still know, whatever the last layer says."""

import torch
from torch import Tensor

from kit.models import Classifier
from kit.splits import Split
from kit.tasks import ForgetTask
from kit.training import infer


def features(model: Classifier, split: Split) -> Tensor:
    """The inputs of the last layer for all images of a split, float32 ``[n, width]`` on the CPU."""
    return infer(model, model.features, split)


def prototype_recall(
    model: Classifier, task: ForgetTask, *, per_class: int = 100, seed: int = 0
) -> float:
    """Recall of the forgotten classes by the nearest class mean of the features, in [0, 1].

    The means are taken over ``per_class`` training images of every class, the forgotten ones
    included, and compared by Euclidean distance on ``test_forget``. The last layer plays no part: a
    method that changed only that one scores as the original does.

    Good value: the retrained model's. It is *not* chance: features that never saw a class may
    separate it all the same.

    Raises
    ------
    ValueError
        a task that does not forget classes, or a model without ``features``.
    """
    if task.test_forget is None:
        raise ValueError("prototype recall is defined for classes, this task forgets samples")
    if not hasattr(model, "features"):
        raise ValueError("the model has no features(x); kit.models.build makes models that do")
    sample = task.train.per_class(per_class, seed)
    known = features(model, sample)
    classes = sample.y.unique()
    means = torch.stack([known[sample.y == c].mean(0) for c in classes])
    nearest = classes[torch.cdist(features(model, task.test_forget), means).argmin(1)]
    return (nearest == task.test_forget.y).float().mean().item()

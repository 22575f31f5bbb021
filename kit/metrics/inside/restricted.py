"""The three accuracies of class-level forgetting, under the names of Singh et al. 2022."""

from kit.datasets.split import Split
from kit.metrics.answers.accuracy import accuracy
from kit.metrics.inside.features import features
from kit.metrics.inside.probes import nearest_class
from kit.models import Classifier
from kit.tasks import ForgetTask
from kit.training import predict


def restricted_accuracies(
    model: Classifier, task: ForgetTask, *, known: Split | None = None, cosine: bool = False
) -> dict[str, float]:
    """Forgetting, forgetting prototype and constraint accuracy, each in [0, 1].

    Parameters
    ----------
    known
        the images whose mean features are the prototypes of all classes; by default all training
        images, the strongest attacker's.
    cosine
        compare features by angle; by default by Euclidean distance.

    Returns
    -------
    ``forgetting_accuracy``
        FA, on test images of the restricted classes, all outputs allowed. Good value: 0.
    ``forgetting_prototype_accuracy``
        FPA, the same by the nearest prototype of any class. Good value: the retrained model's, as
        features that never saw a class separate it all the same.
    ``constraint_accuracy``
        CA, on test images of the remaining classes. Good value: the retrained model's.

    Raises
    ------
    ValueError
        a task that does not forget classes, or a model without ``features``.
    """
    if task.test_forget is None:
        raise ValueError("these accuracies are of forgotten classes; this task forgets samples")
    known = task.train if known is None else known
    nearest = nearest_class(
        features(model, task.test_forget), features(model, known), known.y, cosine
    )
    return {
        "forgetting_accuracy": accuracy(predict(model, task.test_forget), task.test_forget.y),
        "forgetting_prototype_accuracy": (nearest == task.test_forget.y).double().mean().item(),
        "constraint_accuracy": accuracy(predict(model, task.test_retain), task.test_retain.y),
    }

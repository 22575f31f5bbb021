"""``evaluate``: one flat row of numbers about one model on one task."""

from torch import nn

from kit.metrics.accuracy import (
    accuracy,
    agreement,
    prediction_distribution,
    prediction_entropy,
    total_variation,
)
from kit.metrics.distance import weight_distance
from kit.metrics.probes import prototype_recall
from kit.metrics.relearn import SHARE, anamnesis_index, relearn_epochs, relearn_steps
from kit.tasks import ForgetTask
from kit.training import check_model, predict

AUDITS = ("fast", "full")


def evaluate(
    model: nn.Module,
    task: ForgetTask,
    *,
    reference: nn.Module | None = None,
    original: nn.Module | None = None,
    audits: str = "fast",
    reference_row: dict[str, float] | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Judge a model; it stays as it is, down to its BatchNorm statistics and the random state.

    Returns
    -------
    a dict of floats. Accuracies are shares in [0, 1]:

    ``retain_accuracy``, ``forget_accuracy``
        on test images of retained and forgotten classes, all outputs allowed. For samples the
        forgotten images are the training images themselves.
    ``forget_entropy``, ``forget_top_share``
        of the predictions on the forgotten (test) images: entropy in [0, 1], share of the most
        frequent class.
    ``prototype_recall``
        of the forgotten classes by the nearest class mean of the features.
    with ``reference``, the retrained model:
        ``forget_total_variation``, ``forget_agreement``, ``retain_agreement``,
        ``distance_reference``.
    with ``original``:
        ``distance_original``.
    with ``audits="full"``, ``reference`` and ``original``:
        ``train_retain_accuracy``, ``train_forget_accuracy`` on the training images,
        ``relearn_steps``, ``relearn_epochs``, the same ``..._reference`` and ``anamnesis_index``.
        The reference's are taken from ``reference_row``, its own row with the same seed, if given.

    Raises
    ------
    ValueError
        a model that does not fit the data, an unknown audit, a reference that is absent.
    """
    if audits not in AUDITS:
        raise ValueError(f"audits must be one of {', '.join(AUDITS)}, got {audits!r}")
    if audits == "full" and (reference is None or original is None):
        raise ValueError('audits="full" compares with reference= (retrained) and original=')
    check_model(model, task.test)
    asked = task.forget if task.test_forget is None else task.test_forget
    on_forget, on_retain = predict(model, asked), predict(model, task.test_retain)
    spread = prediction_distribution(on_forget)
    row = {
        "retain_accuracy": accuracy(on_retain, task.test_retain.y),
        "forget_accuracy": accuracy(on_forget, asked.y),
        "forget_entropy": prediction_entropy(spread),
        "forget_top_share": spread.max().item(),
    }
    if task.test_forget is not None and hasattr(model, "features"):
        row["prototype_recall"] = prototype_recall(model, task)
    if reference is not None:
        theirs = predict(reference, asked)
        row["forget_total_variation"] = total_variation(spread, prediction_distribution(theirs))
        row["forget_agreement"] = agreement(on_forget, theirs)
        row["retain_agreement"] = agreement(on_retain, predict(reference, task.test_retain))
        row["distance_reference"] = weight_distance(model, reference)
    if original is not None:
        row["distance_original"] = weight_distance(model, original)
    if audits == "full":
        row["train_retain_accuracy"] = accuracy(predict(model, task.retain), task.retain.y)
        row["train_forget_accuracy"] = accuracy(predict(model, task.forget), task.forget.y)
        times = _relearning(model, task, original, seed)
        if reference_row is None:
            reference_row = _relearning(reference, task, original, seed)
        row |= times | {f"{name}_reference": reference_row[name] for name in times}
        row["anamnesis_index"] = anamnesis_index(
            row["relearn_steps"], row["relearn_steps_reference"]
        )
    return row


def _relearning(model, task, original, seed) -> dict[str, float]:
    if task.test_forget is None:
        raise ValueError('audits="full" measures relearning, which is defined for classes only')
    goal = SHARE * accuracy(predict(original, task.test_forget), task.test_forget.y)
    return {
        protocol.__name__: protocol(model, task, goal, seed=seed)
        for protocol in (relearn_steps, relearn_epochs)
    }

"""``evaluate``: one flat row of numbers about one model on one task."""

from torch import Tensor, nn

from kit.datasets.split import Split
from kit.metrics.answers import (
    accuracy,
    activation_distance,
    agreement,
    average_gap,
    js_divergence,
    prediction_distribution,
    prediction_entropy,
    total_variation,
    tug_of_war,
)
from kit.metrics.audits import ALONE, inside_alone, inside_beside
from kit.metrics.comes_back import anamnesis_index
from kit.metrics.feature import evaluate_feature
from kit.metrics.inside import masking, prototype_recall, weight_distance
from kit.metrics.membership import forget_attack
from kit.metrics.membership.scores import loss
from kit.metrics.statistics import wilson
from kit.metrics.undefined import explained, number, or_nan
from kit.models.base import check_classifier
from kit.parts.mixed_linear import MixedLinear
from kit.runtime.checks import one_of
from kit.tasks import FeatureTask, ForgetTask
from kit.training import check_model, predict

AUDITS = ("fast", "gap", "features", "masking", "relearn", "comparison", "full")
KEPT = 0.8  # of the retrained model's retain accuracy: a model below it has collapsed


def evaluate(
    model: nn.Module,
    task: ForgetTask,
    *,
    reference: nn.Module | None = None,
    original: nn.Module | None = None,
    audits: str = "fast",
    reference_row: dict[str, float] | None = None,
    image_filter: nn.Module | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Judge a model; it stays as it is, down to its BatchNorm statistics and the random state.

    Returns
    -------
    a dict of floats, for which "good" means: as the retrained model. Shares are in [0, 1]:

    ``retain_accuracy``, ``forget_accuracy`` (and ``..._low``, ``..._high``)
        on test images of retained and forgotten classes, all outputs allowed, with Wilson's 95 %
        interval over images. For samples the forgotten images are the training images themselves.
    ``forget_entropy``, ``forget_top_share``
        of the predictions on the forgotten (test) images: entropy in [0, 1], share of the most
        frequent class.
    ``membership_auc``, ``membership_leak``, ``membership_tpr``
        of the loss attack on the forgotten training images against test images of their classes:
        AUC, ``|2 AUC - 1|``, true positives at 1 % false alarms; ``forget_loss``: their mean loss.
    ``test_accuracy``, ``prototype_recall`` (classes)
        accuracy on all test images, and of the forgotten classes by the nearest class mean of the
        features.
    with ``reference``, the retrained model:
        ``collapsed``: 1 if retain accuracy is below 80 % of the retrained model's, else 0;
        ``forget_total_variation``, ``forget_agreement``, ``retain_agreement``, ``forget_js``
        (nats), ``forget_activation_distance``, ``distance_reference`` (L2 of the weights).
    with ``original``:
        ``distance_original``.
    with ``audits="gap"``, ``reference`` and ``original``:
        ``train_retain_accuracy``, ``train_forget_accuracy`` on the training images,
        ``svm_nonmember_rate`` of the forgotten ones; ``tug_of_war``; ``average_gap`` of forget,
        retain and test accuracy and that rate.

    with ``audits="comparison"``, the same and for classes:
        ``relearn_steps``, ``relearn_steps_reference``, ``anamnesis_index``; ``probe_forget``,
        ``probe_retain`` by linear probe.

    with ``audits="full"``, the same, ``entropy_member_rate``, and for classes:
        ``zrf``; ``few_shot_recall`` by
        prototypes of five images; ``head_forget``, ``head_retain`` with a fresh last layer;
        ``cka_reference``, ``cka_original`` of the features of forgotten images; ``idi``;
        ``relearn_shot_1``, ``_5``, ``_20``, ``_100``.

    with ``audits="features"``, for classes:
        ``forgetting_prototype_accuracy``, the same ``..._cosine``; ``probe_forget``,
        ``probe_retain``.

    with ``audits="masking"`` and ``original``, for classes:
        ``answers_changed``, ``features_kept``, ``only_masked``, ``unchanged``.

    with ``audits="relearn"``, ``reference`` and ``original``:
        ``relearn_steps``, ``relearn_epochs`` up to the papers' limits of 10 and 100 epochs, the
        same ``..._reference`` and ``anamnesis_index``.

    Of a ``FeatureTask`` the numbers are others: ``kit.metrics.evaluate_feature``. They include what
    the model does behind ``image_filter``, the ``filter`` of the method's outcome.

    A number that cannot be computed is NaN, and one warning says which and why: a forgotten class
    without test images has no membership attack, networks of different widths no distance.

    What these audits measure of the reference alone is taken from ``reference_row``, its own row
    with the same audits and seed, if given.

    Raises
    ------
    ValueError
        a network that does not fit the data or was not wrapped, an unknown audit, a reference that
        is absent, a filter where no feature is forgotten.
    """
    _check(task, audits, image_filter, model=model, reference=reference, original=original)
    with explained():
        if isinstance(task, FeatureTask):
            return evaluate_feature(
                model, task, image_filter=image_filter, reference=reference, original=original,
                audits=audits, seed=seed,
            )  # fmt: skip
        return _row(model, task, reference, original, audits, reference_row, seed)


def _row(
    model: nn.Module, task: ForgetTask, reference: nn.Module | None, original: nn.Module | None,
    audits: str, reference_row: dict[str, float] | None, seed: int,
) -> dict[str, float]:  # fmt: skip
    said = _predictions(model, task)
    row = _answers(model, task, said)
    if reference is not None:
        theirs_said = _predictions(reference, task)
        row |= _against(said, theirs_said)
        theirs_retain = accuracy(theirs_said[1], task.test_retain.y)
        row["collapsed"] = float(row["retain_accuracy"] < KEPT * theirs_retain)
        row |= number("distance_reference", lambda: weight_distance(model, reference))
    if original is not None:
        row |= number("distance_original", lambda: weight_distance(model, original))
    if audits == "features":
        row |= inside_alone(model, task, seed)
    if audits == "masking":
        row |= masking(original, model, task)
    if needs_reference(audits):
        row |= ALONE[audits](model, task, original, seed)
        theirs = row if reference is model else reference_row
        if theirs is None:
            theirs = _answers(reference, task, theirs_said)
            theirs |= ALONE[audits](reference, task, original, seed)
        row |= _folded(row, theirs)
    if audits == "full" and task.test_forget is not None:
        row |= inside_beside(model, reference, original, task, seed)
    return row


def _check(
    task: ForgetTask, audits: str, image_filter: nn.Module | None, **networks: nn.Module | None
) -> None:
    one_of("audits", audits, AUDITS)
    if needs_reference(audits) and None in (networks["reference"], networks["original"]):
        raise ValueError(f'audits="{audits}" compares with reference= (retrained) and original=')
    if audits == "masking" and networks["original"] is None:
        raise ValueError('audits="masking" compares with original=')
    if image_filter is not None and not isinstance(task, FeatureTask):
        raise ValueError("image_filter= is for tasks that forget a feature")
    for name, network in networks.items():
        try:
            if network is not None:
                check_model(network, task.test)
            if not isinstance(network, MixedLinear | None):  # that one has answers, no features
                check_classifier(network)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def needs_reference(audits: str) -> bool:
    """Whether these audits compare with a retrained model."""
    return audits in ALONE


def _asked(task: ForgetTask) -> Split:
    """The forgotten images on which a model is judged."""
    return task.forget if task.test_forget is None else task.test_forget


def _predictions(model: nn.Module, task: ForgetTask) -> tuple[Tensor, Tensor]:
    """Logits of the forgotten images and of the retained test images."""
    return predict(model, _asked(task)), predict(model, task.test_retain)


def _answers(model: nn.Module, task: ForgetTask, said: tuple[Tensor, Tensor]) -> dict[str, float]:
    """What the predictions and one cheap look inside tell about the model alone."""
    on_forget, on_retain = said
    spread = prediction_distribution(on_forget)
    row = {}
    for name, logits, split in (
        ("retain", on_retain, task.test_retain),
        ("forget", on_forget, _asked(task)),
    ):
        share = accuracy(logits, split.y)
        low, high = wilson(round(share * len(split)), len(split))
        row |= {
            f"{name}_accuracy": share,
            f"{name}_accuracy_low": low,
            f"{name}_accuracy_high": high,
        }
    row |= {
        "forget_entropy": prediction_entropy(spread),
        "forget_top_share": spread.max().item(),
    }
    row |= _membership(model, task)
    if task.test_forget is not None:
        kept, asked = len(task.test_retain), len(task.test_forget)
        right = kept * row["retain_accuracy"] + asked * row["forget_accuracy"]
        row["test_accuracy"] = right / (kept + asked)
        if hasattr(model, "features"):
            row["prototype_recall"] = prototype_recall(model, task)
    return row


def _membership(model: nn.Module, task: ForgetTask) -> dict[str, float]:
    """Of the loss attack; without test images to compare with, the loss alone."""

    def attacked() -> dict[str, float]:
        attack = forget_attack(model, task, score="loss")
        return {
            "membership_auc": attack.auc,
            "membership_leak": attack.leak,
            "membership_tpr": attack.tpr(0.01),
            "forget_loss": -attack.members.mean().item(),
        }

    row = or_nan(["membership_auc", "membership_leak", "membership_tpr"], attacked)
    if "forget_loss" not in row:
        losses = loss(predict(model, task.forget), task.forget.y)
        row["forget_loss"] = losses.mean().item()
    return row


def _against(said: tuple[Tensor, Tensor], theirs_said: tuple[Tensor, Tensor]) -> dict[str, float]:
    """The model's predictions beside the retrained model's."""
    (ours, ours_retained), (theirs, theirs_retained) = said, theirs_said
    return {
        "forget_total_variation": total_variation(
            prediction_distribution(ours), prediction_distribution(theirs)
        ),
        "forget_agreement": agreement(ours, theirs),
        "retain_agreement": agreement(ours_retained, theirs_retained),
        "forget_js": js_divergence(ours, theirs),
        "forget_activation_distance": activation_distance(ours, theirs),
    }


def _folded(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    """What folds the retrained model's numbers and the model's into one."""
    row = {f"{k}_reference": theirs[k] for k in ("relearn_steps", "relearn_epochs") if k in ours}
    if "relearn_steps" in ours:
        row |= number(
            "anamnesis_index",
            lambda: anamnesis_index(ours["relearn_steps"], theirs["relearn_steps"]),
            if_nan="both relearn at once, or neither does in time",
        )
    if "svm_nonmember_rate" in ours:
        sets = ("train_forget_accuracy", "train_retain_accuracy", "retain_accuracy")
        accuracies = {name: ours[name] for name in sets}
        rate = {"svm_nonmember_rate": ours["svm_nonmember_rate"]}
        row["tug_of_war"] = tug_of_war(accuracies, theirs)
        row["average_gap"] = average_gap(accuracies | rate, theirs)
    return row

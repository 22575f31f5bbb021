"""Audits that need many models: U-LiRA, KLoM and the competition's score of one method."""

import torch
from torch import Tensor

from kit.datasets import ImageData
from kit.methods.unlearn import unlearn
from kit.metrics import population_attack, u_lira, u_lira_interval
from kit.metrics.many import forgetting_score, klom
from kit.metrics.membership.scores import margin
from kit.runtime.checks import one_of
from kit.runtime.progress import progress
from kit.shadows.plan import Plan, draw_pool, halves, repeats
from kit.shadows.training import RECIPE, train
from kit.tasks import ForgetTask, forget_classes, forget_samples
from kit.training import Recipe, predict
from kit.training.cache import RETRAIN_SEED

FORGET = 50  # images that each shadow forgets, where the request is for single images
FPRS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # where the ROC curve is kept


def margins(
    plan: Plan,
    method: str,
    model: str = "lenet",
    *,
    recipe: Recipe = RECIPE,
    settings: dict | None = None,
    **training,
) -> Tensor:
    """What each shadow says about every target after it served its request.

    Parameters
    ----------
    method
        one of ``kit.methods.names()``; "original" for the models before the request, "retrain" for
        models trained from fresh weights without the images to forget.
    settings
        of the method.
    training
        ``backend``, ``workers`` and the network's options, as in ``train``.

    Returns
    -------
    the logit-scaled confidences of the true labels, float32 ``[shadows, targets]``.
    """
    if method == "retrain" and settings:
        raise ValueError("shadows are retrained by their own recipe; retrain takes no settings")
    asked = plan.target_images()
    on = "retain" if method == "retrain" else "train"
    models = train(plan, model, on=on, recipe=recipe, **training)
    rows = []
    for shadow, network in enumerate(progress(models, f"shadows: {method}")):
        if method not in ("original", "retrain"):
            seed = plan.seed + shadow
            network = unlearn(method, network, plan.task(shadow), seed=seed, **settings or {}).model
        rows.append(margin(predict(network, asked), asked.y))
    return torch.stack(rows)


def audit(
    data: ImageData, classes: list[int], method: str, settings: dict, *, layout: str = "halves",
    count: int = 16, per_class: int = 200, model: str = "lenet", recipe: Recipe = RECIPE,
    seed: int = 0, **options,
) -> tuple[ForgetTask, dict[str, float]]:  # fmt: skip
    """Train the shadows, let each serve its request by ``method``, attack.

    Parameters
    ----------
    classes
        of the request; [] for ``FORGET`` single images.
    layout
        "halves": every shadow has a training set and a request of its own (U-LiRA). "repeats":
        all serve one request from different seeds (KLoM, competition).
    count
        number of shadows.

    Returns
    -------
    the request (of the first shadow) and, for "halves": ``auc`` with ``auc_low``, ``auc_high``;
    ``tpr_at_<fpr>`` for each of ``FPRS``; ``tpr_low``, ``tpr_high`` at 0.01; the same of the global
    loss threshold as ``population_...``; ``forget_confidence``, the mean probability of the true
    label on the forgotten images. For "repeats": ``klom_mean``, ``klom_95``,
    ``klom_median`` (nats, Gaussian), ``klom_histogram`` (median), ``forgetting_score``, and what
    they show where nothing is wrong, ``..._null``. Each shadow unlearns from an original of its
    own; the competition unlearned one original with many seeds.

    Raises
    ------
    ValueError
        an unknown layout or method, or shadows that cannot be had from the data.
    """
    one_of("layout", layout, ("halves", "repeats"))
    training = {"model": model, "recipe": recipe, **options}
    if layout == "halves":
        plan = halves(
            data, shadows=count, per_class=per_class, classes=classes, forget=FORGET, seed=seed
        )
        said = margins(plan, method, settings=settings, **training)
        return plan.task(0), _attacks(said, plan)
    plan = repeats(_small_task(data, classes, per_class, seed), shadows=count, seed=seed)
    reference = margins(plan, "retrain", **training)
    if method == "retrain":  # the floor: a second set of retrained models
        other = repeats(plan.task(0), shadows=count, seed=seed + RETRAIN_SEED)
        said = margins(other, "retrain", **training)
    else:
        said = margins(plan, method, settings=settings, **training)
    return plan.task(0), _spreads(said, reference)


def _attacks(said: Tensor, plan: Plan) -> dict[str, float]:
    trial = said, plan.unlearned, plan.never
    strong, weak = u_lira(*trial), population_attack(*trial)
    row = {"auc": strong.auc}
    row["auc_low"], row["auc_high"] = u_lira_interval(*trial)
    row["tpr_low"], row["tpr_high"] = u_lira_interval(*trial, of=lambda attack: attack.tpr(0.01))
    for prefix, attack in (("", strong), ("population_", weak)):
        row |= {f"{prefix}tpr_at_{fpr}": attack.tpr(fpr) for fpr in FPRS}
    return row | {
        "population_auc": weak.auc,
        "forget_confidence": said[plan.unlearned].sigmoid().mean().item(),
        "members": len(strong.members),
        "nonmembers": len(strong.nonmembers),
        "shadows": len(plan),
    }


def _spreads(said: Tensor, reference: Tensor) -> dict[str, float]:
    n, gaussian = len(said), klom.klom_gaussian(said, reference)
    null = forgetting_score.null(n)
    return {
        "klom_mean": gaussian.mean().item(),
        "klom_95": gaussian.quantile(0.95).item(),
        "klom_median": gaussian.median().item(),
        "klom_median_null": klom.null(n),
        "klom_histogram": klom.klom_histogram(said, reference).median().item(),
        "klom_histogram_null": klom.null(n, estimator=klom.klom_histogram),
        "forgetting_score": forgetting_score.forgetting_score(said, reference),
        "forgetting_score_null": null["score"],
        "shadows": n,
    }


def _small_task(data: ImageData, classes: list[int], per_class: int, seed: int) -> ForgetTask:
    """The request on ``per_class`` images of each class, so that hundreds of trainings fit."""
    pool = draw_pool(data, per_class, torch.Generator().manual_seed(seed))
    if classes:
        return forget_classes(data, classes, within=pool)
    return forget_samples(data, pool[:: len(pool) // FORGET][:FORGET], within=pool)

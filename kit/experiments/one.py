"""Experiments of kind "one": one network, trained, made to forget classes or images, judged."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from torch import nn

from kit import methods
from kit.datasets import ImageData
from kit.experiments import results
from kit.experiments.experiment import (
    COMPARED,
    Experiment,
    Outcome,
    Request,
    Run,
    settings,
    with_augment,
)
from kit.methods.unlearn import Unlearned, unlearn
from kit.metrics import evaluate, per_class_accuracy
from kit.metrics.evaluate import needs_reference
from kit.tasks import ForgetTask, forget_classes, forget_samples, random_rows
from kit.training import predict
from kit.training.cache import RETRAIN_SEED, place, retrained, trained
from kit.training.watch import watch

TRAINED = [{"method": name} for name in ("original", "retrain", "clean")]  # nothing is unlearned


def request(experiment: Experiment, data: ImageData, classes: list[int]) -> Request:
    """The request for classes, or for the experiment's share of single images."""
    if experiment.samples:
        count = round(experiment.samples * len(data.train_y))
        return Request.of(forget_samples(data, random_rows(data, count)))
    return Request.of(forget_classes(data, classes))


def config(experiment: Experiment, arm: dict):
    """The settings that an arm runs with, {} for those that are only compared with;
    ``ValueError`` for unknown ones."""
    if arm["method"] in COMPARED:
        return {}
    method = methods.get(arm["method"])
    if method.name == "retrain":
        changes = with_augment(settings(arm))
        own = {"amount": changes.pop("amount")} if "amount" in changes else {}
        return method.configure(recipe=replace(experiment.full_recipe, **changes), **own)
    return method.configure(**with_augment(experiment.changes(arm)))


def check(experiment: Experiment, arm: dict, task: ForgetTask) -> None:
    """``ValueError`` if an arm cannot run on a task: unknown, set wrongly, for other requests."""
    config(experiment, arm)
    if arm["method"] in COMPARED:
        return
    method = methods.get(arm["method"])
    if task.level not in method.level:
        raise ValueError(f"{method.name} does not serve {task.level} forgetting, {task.name}")
    if method.takes is not nn.Module:
        raise ValueError(f"{method.name} works on a {method.takes.__qualname__}: run it by itself")


def measure(run: Run, root: Path) -> Outcome:
    """Train the original and the retrained model (or load them), serve the request, judge."""
    experiment, task, seed = run.experiment, run.request.task, run.seed
    name, options = run.network
    options |= {"recipe": experiment.full_recipe}
    with watch(class_accuracies(task)) if experiment.curves else nullcontext([]) as looks:
        original = trained(name, task, seed=seed, **options)
        gold = retrained(name, task, seed=seed, **options)
        reference = gold
        if run.arm == {"method": "retrain"}:  # another draw, not itself
            other = other_seed(experiment, seed)
            reference = None if other is None else retrained(name, task, seed=other, **options)
        looks.clear()
        out = serve(run, original, gold)
    if run.arm in TRAINED:
        looks = out.model.training_history.looks  # of its own training, whenever that was
    metrics = evaluate(
        out.model, task, reference=reference, original=original, audits=experiment.audits,
        reference_row=reference_row(run, root), image_filter=out.filter, seed=seed,
    )  # fmt: skip
    return Outcome(task, out, metrics, curves(task, looks if experiment.curves else []))


def reference_row(run: Run, root: Path) -> dict[str, float] | None:
    """What was measured of the retrained model with the same audits, if its record is there."""
    record = replace(run, arm={"method": "retrain"}).recorded(root)
    return results.metrics_of(record) if record else None


def serve(run: Run, original: nn.Module, gold: nn.Module) -> Unlearned:
    """The network of an arm; those that are only compared with at the cost of their training."""
    experiment, task, seed = run.experiment, run.request.task, run.seed
    name, options = run.network
    if run.arm in TRAINED:
        method, recipe = run.arm["method"], experiment.full_recipe
        model = original if method == "original" else gold
        if method == "clean":
            model = retrained(name, task, on="clean", seed=seed, recipe=recipe, **options)
        how = methods.get("retrain").configure(recipe=recipe)
        return Unlearned(method, model, how, seed, **model.training_cost)
    if run.arm == {"method": "untrained"}:
        draw = RETRAIN_SEED + seed
        new, _ = place(name, task, on="retain", seed=draw, recipe=experiment.full_recipe, **options)
        return Unlearned("untrained", new, {}, seed)
    draw = RETRAIN_SEED + seed if run.arm["method"] == "retrain" else seed
    how = config(experiment, run.arm)
    out = unlearn(run.arm["method"], original, task, seed=draw, config=how)
    return replace(out, seed=seed)


def other_seed(experiment: Experiment, seed: int) -> int | None:
    """The seed of the retrained model with which another is compared: the next one, the first after
    the last. Of a lone seed None, or where the audits need a reference the seed after it."""
    seeds = experiment.seeds
    after = seeds[(seeds.index(seed) + 1) % len(seeds)]
    if after != seed:
        return after
    return seed + 1 if needs_reference(experiment.audits) else None


def class_accuracies(task: ForgetTask) -> Callable[[nn.Module], dict[int, float]]:
    """A look at the test accuracy of each class: it serves every request on the same original."""

    def look(model: nn.Module) -> dict[int, float]:
        return per_class_accuracy(predict(model, task.test), task.test.y)

    return look


def curves(task: ForgetTask, looks: list[dict[int, float]]) -> dict[str, list[float]]:
    """Test accuracy on retained and on forgotten classes, after each epoch; {} if nobody looked."""
    if not looks:
        return {}
    parts = {"retain_accuracy": task.test_retain, "forget_accuracy": task.test_forget}
    return {
        name: [fmean(look[c] for c in split.y.tolist()) for look in looks]
        for name, split in parts.items()
    }

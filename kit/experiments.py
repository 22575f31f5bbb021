"""Experiments: a TOML file of requests, seeds and arms, and the loop that records their runs."""

import dataclasses
import tomllib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import torch
from torch import nn

import kit
from kit import results, shadows
from kit.augment import Augment
from kit.cost import measure
from kit.federated.trial import trial as federated_trial
from kit.mixed_trial import Setting
from kit.mixed_trial import trial as mixed_trial
from kit.profiles import RETRAIN_SEED, profile
from kit.progress import progress
from kit.tasks import ForgetTask
from kit.training import Recipe
from kit.unlearning import Unlearned
from kit.watch import watch

COMPARED = ("original", "clean", "untrained")  # arms that are no methods: networks as they are


@dataclass(frozen=True)
class Experiment:
    """What an experiment file says.

    ``forget`` lists the requests, each a list of class indices; ``arms`` the runs on each of them:
    ``{"method": ..., <settings>}``. "original" and "retrain" are arms like the others; settings of
    "retrain" are changes to the recipe. The retrained model is judged against that of the
    experiment's next seed, and alone if there is only one.

    With ``federation`` the networks are trained by a federation (``kit.federated.trial``). With
    ``shadows`` the runs are audits by shadow models (``kit.shadows.audit``), with ``mixed`` they
    have a core and a user (``kit.mixed_trial``); a request without classes then is one for single
    images, and with ``mixed`` the settings of "original" and "retrain" are changes to that table.
    With ``feature`` the request is to forget that, ``forget`` is [[]], and "clean" (the feature
    never seen) and "untrained" are arms too.
    """

    name: str
    profile: str
    forget: list[list[int]]
    seeds: list[int]
    arms: list[dict]
    audits: str = "fast"
    dataset: str = ""  # in place of the profile's
    root: str = ""  # of the data, where not the default
    model: dict = field(default_factory=dict)  # {"name": ..., options}, in place of the profile's
    recipe: dict = field(default_factory=dict)  # changes to the profile's
    shadows: dict = field(default_factory=dict)  # settings of kit.shadows.audit
    federation: dict = field(default_factory=dict)  # settings of kit.federated.trial
    mixed: dict = field(default_factory=dict)  # a kit.mixed_trial.Setting
    feature: dict = field(default_factory=dict)  # arguments of kit.tasks.forget_feature
    curves: bool = False  # record the test accuracies after every epoch
    tuning: dict = field(default_factory=dict)  # settings of all arms but the two trained ones

    @classmethod
    def load(cls, path: Path) -> "Experiment":
        """Read ``path``; ``ValueError`` or ``FileNotFoundError`` say what is wrong with it."""
        if not path.exists():
            known = ", ".join(sorted(p.name for p in path.parent.glob("*.toml")))
            raise FileNotFoundError(f"{path} is not there; {path.parent} holds {known or 'none'}")
        try:
            return cls(name=path.stem, **tomllib.loads(path.read_text()))
        except (tomllib.TOMLDecodeError, TypeError) as error:
            raise ValueError(f"{path} is not an experiment: {error}") from error

    @property
    def full_recipe(self) -> Recipe:
        base = shadows.RECIPE if self.shadows else profile(self.profile).recipe
        return Recipe(**{**vars(base), **_with_augment(self.recipe)})

    def config(self, arm: dict):
        """The settings that an arm runs with, {} for those that are only compared with;
        ``ValueError`` for unknown ones."""
        if arm["method"] in COMPARED:
            return {}
        method = kit.methods.get(arm["method"])
        if method.name == "retrain":
            changes = _with_augment(_settings(arm))
            own = {"amount": changes.pop("amount")} if "amount" in changes else {}
            return method.configure(recipe=dataclasses.replace(self.full_recipe, **changes), **own)
        return method.configure(**_with_augment(self.tuning | _settings(arm)))


def run(experiment: Experiment, root: Path | None = None) -> int:
    """Run what has no record yet; a run that was interrupted is repeated, a finished one is not.

    Several processes may share an experiment: none repeats what another has finished meanwhile.

    Returns
    -------
    the number of new records.
    """
    data = kit.datasets.load(
        experiment.dataset or profile(experiment.profile).dataset, root=experiment.root or None
    )
    root = root or results.records_root()

    def is_done(classes, seed, arm) -> bool:
        return (root / f"{_id(experiment, data.name, classes, seed, arm)}.json").exists()

    todo = [
        (classes, seed, arm)
        for seed in experiment.seeds
        for classes in experiment.forget
        for arm in experiment.arms
        if not is_done(classes, seed, arm)
    ]
    reference_rows: dict = {}  # (task, seed) -> the retrained model's row, where it was measured
    for classes, seed, arm in progress(todo, experiment.name):
        if is_done(classes, seed, arm):
            continue
        if experiment.shadows:
            task, found = _run_shadows(experiment, data, classes, seed, arm)
        elif experiment.mixed:
            task, found = _run_mixed(experiment, data, classes, seed, arm)
        elif experiment.federation:
            task = kit.tasks.forget_classes(data, classes)
            found = _run_federated(experiment, task, seed, arm)
        else:
            task = _task(experiment, data, classes)
            found = _run_one(experiment, task, seed, arm, reference_rows.get((task.name, seed)))
            if arm == {"method": "retrain"}:
                reference_rows[task.name, seed] = found.metrics
        record = results.make(
            found.out, task, found.metrics, experiment=experiment.name,
            model=_model(experiment)[0], recipe=experiment.full_recipe, options=_settings(arm),
            curves=found.curves,
        )  # fmt: skip
        results.write(record, root)
    return len(todo)


@dataclass(frozen=True)
class _Found:
    """What a run leaves: its outcome, its metrics, and one value an epoch, round or request."""

    out: Unlearned
    metrics: dict[str, float]
    curves: dict[str, list[float]] = field(default_factory=dict)


def _task(experiment, data, classes) -> ForgetTask:
    if not experiment.feature:
        return kit.tasks.forget_classes(data, classes)
    settings = dict(experiment.feature)
    if "images" in settings:  # of the training images, drawn at random
        generator = torch.Generator().manual_seed(settings.get("seed", 0))
        rows = torch.randperm(len(data.train_y), generator=generator)[: settings.pop("images")]
        settings["within"] = rows
    return kit.tasks.forget_feature(data, **settings)


def _run_one(experiment, task, seed, arm, reference_row) -> _Found:
    recipe = experiment.full_recipe
    name, options = _model(experiment)

    def gold(seed: int, on: str = "retain") -> nn.Module:
        return kit.trained(name, task, on=on, seed=RETRAIN_SEED + seed, recipe=recipe, **options)

    with watch(_class_accuracies(task)) if experiment.curves else nullcontext([]) as looks:
        original = kit.trained(name, task, seed=seed, recipe=recipe, **options)
        retrained = reference = gold(seed)
        looks.clear()
        if arm == {"method": "original"}:
            out, looks = _trained_arm("original", original, recipe, seed)
        elif arm == {"method": "retrain"}:
            out, looks = _trained_arm("retrain", retrained, recipe, seed)
            other = _next(experiment.seeds, seed)  # another draw, not itself
            reference = None if other is None else gold(other)
        elif arm == {"method": "clean"}:
            clean = gold(seed, on="clean")
            out, looks = _trained_arm("clean", clean, recipe, seed)
        elif arm == {"method": "untrained"}:
            fresh = kit.models.build(name, task, seed=RETRAIN_SEED + seed, **options)
            out = Unlearned("untrained", fresh, {}, seed)
        else:
            config = experiment.config(arm)
            draw = RETRAIN_SEED + seed if arm["method"] == "retrain" else seed
            out = kit.unlearn(arm["method"], original, task, seed=draw, config=config)
            out.seed = seed
    metrics = kit.evaluate(
        out.model,
        task,
        reference=reference,
        original=original,
        audits=experiment.audits,
        reference_row=reference_row,
        image_filter=out.filter,
        seed=seed,
    )
    return _Found(out, metrics, _curves(task, looks if experiment.curves else []))


def _class_accuracies(task) -> Callable[[nn.Module], dict[str, float]]:
    """A look at the test accuracy of each class: it serves every request on the same original."""

    def look(model: nn.Module) -> dict[str, float]:
        return kit.metrics.per_class_accuracy(kit.predict(model, task.test), task.test.y)

    return look


def _curves(task, looks: list[dict]) -> dict[str, list[float]]:
    """Test accuracy on retained and on forgotten classes, after each epoch; {} if nobody looked."""
    if not looks:
        return {}
    parts = {"retain_accuracy": task.test_retain, "forget_accuracy": task.test_forget}
    return {
        name: [fmean(look[c] for c in split.y.tolist()) for look in looks]
        for name, split in parts.items()
    }


def _settings(arm: dict) -> dict:
    return {k: v for k, v in arm.items() if k != "method"}


def _with_augment(settings: dict) -> dict:
    """The settings with the table of augmentations, if there is one, as what it stands for."""
    if "augment" not in settings:
        return settings
    return settings | {"augment": Augment(**settings["augment"])}


def _next(seeds: list[int], seed: int) -> int | None:
    """The seed after this one, the first after the last; None if it is the only one."""
    after = seeds[(seeds.index(seed) + 1) % len(seeds)]
    return None if after == seed else after


def _run_federated(experiment, task, seed, arm) -> _Found:
    name, options = _model(experiment)
    config = experiment.config(arm)
    out, looks = federated_trial(
        task, arm["method"], config, _class_accuracies(task), model=name, seed=seed,
        **experiment.federation, **options,
    )  # fmt: skip
    return _Found(out, kit.evaluate(out.model, task, seed=seed), _curves(task, looks))


def _run_mixed(experiment, data, classes, seed, arm) -> tuple[ForgetTask, _Found]:
    name, options = _model(experiment)
    settings = experiment.mixed
    if arm["method"] in ("original", "retrain"):
        config = settings = settings | _settings(arm)
    else:
        config = experiment.config(arm)
    task, out, metrics, curves = mixed_trial(
        data, tuple(classes), arm["method"], config, _setting(settings), model=name,
        recipe=experiment.full_recipe, seed=seed, **options,
    )  # fmt: skip
    return task, _Found(out, metrics, curves)


def _setting(settings: dict) -> Setting:
    """The settings with the list of layers, if there is one, as what can be a key."""
    if "layers" not in settings:
        return Setting(**settings)
    return Setting(**settings | {"layers": tuple(settings["layers"]) or None})


def _run_shadows(experiment, data, classes, seed, arm) -> tuple[ForgetTask, _Found]:
    name, options = _model(experiment)
    settings = _settings(arm)
    with measure() as meter:
        task, metrics = shadows.audit(
            data, classes, arm["method"], settings, model=name, recipe=experiment.full_recipe,
            seed=seed, **experiment.shadows, **options,
        )  # fmt: skip
    trained = arm["method"] in ("original", "retrain")
    config = {} if trained else kit.methods.get(arm["method"]).configure(**settings)
    out = Unlearned(arm["method"], None, config, seed, meter.seconds, dict(meter.passes))
    return task, _Found(out, metrics)


def _trained_arm(method, model, recipe, seed) -> tuple[Unlearned, list[dict]]:
    """One of the two models that every arm is compared with, at the cost of its own training, and
    what was seen while it trained."""
    config = kit.methods.get("retrain").configure(recipe=recipe)
    out = Unlearned(method, model, config, seed, **model.training_cost)
    return out, model.training_history.looks


def _id(experiment, dataset, classes, seed, arm) -> str:
    settings = _settings(arm)
    task = "class:" + "+".join(map(str, sorted(classes)))
    if experiment.feature:
        attributes = experiment.feature["attribute"]
        task = "feature:" + (attributes if isinstance(attributes, str) else "+".join(attributes))
    elif not classes:
        task = f"sample:{_asked(experiment)}"
    name, _ = _model(experiment)
    return results.record_id(experiment.name, dataset, name, arm["method"], settings, task, seed)


def _asked(experiment) -> int:
    """Single images that are forgotten."""
    if experiment.mixed:
        setting = _setting(experiment.mixed)
        return setting.requests * setting.request
    return shadows.FORGET


def _model(experiment) -> tuple[str, dict]:
    usual = "lenet" if experiment.shadows else profile(experiment.profile).model
    options = {"name": usual} | experiment.model
    return options.pop("name"), options

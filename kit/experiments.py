"""Experiments: a TOML file of requests, seeds and arms, and the loop that records their runs."""

import dataclasses
import functools
import json
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
from kit.metrics.evaluate import needs_reference
from kit.mixed_trial import Setting
from kit.mixed_trial import trial as mixed_trial
from kit.profiles import RETRAIN_SEED, profile
from kit.progress import progress
from kit.tasks import ForgetTask
from kit.training import Recipe
from kit.tuning import best, trials
from kit.unlearning import Unlearned
from kit.watch import watch

COMPARED = ("original", "clean", "untrained")  # arms that are no methods: networks as they are


@dataclass(frozen=True)
class Experiment:
    """What an experiment file says.

    ``forget`` lists the requests, each a list of class indices; ``arms`` the runs on each of them:
    ``{"method": ..., <settings>}``. "original" and "retrain" are arms like the others; settings of
    "retrain" are changes to the recipe. The retrained model is judged against that of the
    experiment's next seed; if there is only one, alone, or against that of the seed after it where
    the audits need a reference.

    With ``federation`` the networks are trained by a federation (``kit.federated.trial``). With
    ``shadows`` the runs are audits by shadow models (``kit.shadows.audit``), with ``mixed`` they
    have a core and a user (``kit.mixed_trial``); a request without classes then is one for single
    images, and with ``mixed`` the settings of "original" and "retrain" are changes to that table.
    With ``feature`` the request is to forget that, ``forget`` is [[]], and "clean" (the feature
    never seen) and "untrained" are arms too. With ``samples`` it is that share of the training
    images, at random, and ``forget`` is [[]].

    With ``share`` the experiment runs on that share of each class's training images.

    With ``trials`` each arm is tried with so many settings of its method's grid (``kit.tuning``),
    and with ``held_out`` that share of the training images stands in for the test images; with
    ``tuned``, the name of such an experiment, arms take the settings of its best trials.
    """

    name: str
    profile: str
    forget: list[list[int]]
    seeds: list[int]
    arms: list[dict]
    audits: str = "fast"
    dataset: str = ""  # in place of the profile's
    root: str = ""  # of the data, where not the default
    share: float = 1.0  # of the training images of each class
    model: dict = field(default_factory=dict)  # {"name": ..., options}, in place of the profile's
    recipe: dict = field(default_factory=dict)  # changes to the profile's
    shadows: dict = field(default_factory=dict)  # settings of kit.shadows.audit
    federation: dict = field(default_factory=dict)  # settings of kit.federated.trial
    mixed: dict = field(default_factory=dict)  # a kit.mixed_trial.Setting
    feature: dict = field(default_factory=dict)  # arguments of kit.tasks.forget_feature
    samples: float = 0.0
    trials: int = 0
    tuned: str = ""
    held_out: float = 0.0
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

    @property
    def runs(self) -> list[dict]:
        """The arms, those to be tuned once with each trial."""
        return [run for arm in self.arms for run in trials(arm, self.trials)]

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
        tuned = _best(self.tuned).get(method.name, {}) if self.tuned else {}
        return method.configure(**_with_augment(self.tuning | tuned | _settings(arm)))


def run(experiment: Experiment, root: Path | None = None) -> int:
    """Run what has no record yet; a run that was interrupted is repeated, a finished one is not.

    Several processes may share an experiment: none repeats what another has finished meanwhile.

    Returns
    -------
    the number of new records.

    Raises
    ------
    FloatingPointError
        after all other runs: the runs that diverged, which have no record.
    """
    data = kit.datasets.load(
        experiment.dataset or profile(experiment.profile).dataset, root=experiment.root or None
    )
    if experiment.share != 1:
        data = data.thinned(experiment.share)
    if experiment.held_out:
        data = data.held_out(experiment.held_out)
    root = root or results.records_root()

    def is_done(classes, seed, arm) -> bool:
        return place(
            experiment, data, _task_name(experiment, data, classes), seed, arm, root
        ).exists()

    todo = [
        (classes, seed, arm)
        for seed in experiment.seeds
        for classes in experiment.forget
        for arm in experiment.runs
        if not is_done(classes, seed, arm)
    ]
    diverged = []
    for classes, seed, arm in progress(todo, experiment.name):
        if is_done(classes, seed, arm):
            continue
        try:
            task, found = _run(experiment, data, classes, seed, arm, root)
        except FloatingPointError as error:
            diverged.append(f"  {arm} on {classes}, seed {seed}: {error}")
            continue
        results.write(_record(experiment, task, arm, found), root)
    if diverged:
        count = f"{len(diverged)} of {len(todo)} runs diverged, the others are kept:"
        raise FloatingPointError("\n".join([f"{experiment.name}: {count}", *diverged]))
    return len(todo)


def _run(experiment, data, classes, seed, arm, root) -> tuple[ForgetTask, "_Found"]:
    if experiment.shadows:
        return _run_shadows(experiment, data, classes, seed, arm)
    if experiment.mixed:
        return _run_mixed(experiment, data, classes, seed, arm)
    if experiment.federation:
        task = kit.tasks.forget_classes(data, classes)
        return task, _run_federated(experiment, task, seed, arm)
    task = _task(experiment, data, classes)
    row = reference_row(experiment, task, seed, root)
    return task, _run_one(experiment, task, seed, arm, row)


def run_arm(experiment: Experiment, task: ForgetTask, seed: int, arm: dict, row: dict | None):
    """One run on a task as it is: the record, unwritten. ``row``: that of ``reference_row``."""
    return _record(experiment, task, arm, _run_one(experiment, task, seed, arm, row))


def place(experiment: Experiment, data, task: str, seed: int, arm: dict, root: Path) -> Path:
    """Where the record of a run is, or will be; ``task`` is the request's name."""
    name, _ = _model(experiment)
    settings = _settings(arm)
    run = results.record_id(experiment.name, data.name, name, arm["method"], settings, task, seed)
    return root / f"{run}.json"


def reference_row(experiment: Experiment, task: ForgetTask, seed: int, root: Path) -> dict | None:
    """What was measured of the retrained model with the same audits, if its record is there."""
    file = place(experiment, task.data, task.name, seed, {"method": "retrain"}, root)
    return results.metrics_of(json.loads(file.read_text())) if file.exists() else None


def _record(experiment, task, arm, found) -> dict:
    return results.make(
        found.out, task, found.metrics, experiment=experiment.name, model=_model(experiment)[0],
        recipe=experiment.full_recipe, options=_settings(arm), curves=found.curves,
    )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """What a run leaves: its outcome, its metrics, and one value an epoch, round or request."""

    out: Unlearned
    metrics: dict[str, float]
    curves: dict[str, list[float]] = field(default_factory=dict)


def _task(experiment, data, classes) -> ForgetTask:
    if experiment.samples:
        return kit.tasks.forget_samples(data, random_rows(data, _asked(experiment, data)))
    if not experiment.feature:
        return kit.tasks.forget_classes(data, classes)
    settings = dict(experiment.feature)
    if "images" in settings:  # of the training images, drawn at random
        settings["within"] = random_rows(data, settings.pop("images"), settings.get("seed", 0))
    return kit.tasks.forget_feature(data, **settings)


def random_rows(data, count: int, seed: int = 0) -> torch.Tensor:
    """Rows of so many training images, drawn at random."""
    return torch.randperm(len(data.train_y), generator=torch.Generator().manual_seed(seed))[:count]


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
            if other is None and needs_reference(experiment.audits):
                other = seed + 1
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


@functools.cache
def _best(experiment: str) -> dict[str, dict]:
    return best(results.read(experiment))


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


def _task_name(experiment, data, classes) -> str:
    if experiment.feature:
        attributes = experiment.feature["attribute"]
        return "feature:" + (attributes if isinstance(attributes, str) else "+".join(attributes))
    if classes:
        return "class:" + "+".join(map(str, sorted(classes)))
    return f"sample:{_asked(experiment, data)}"


def _asked(experiment, data) -> int:
    """Single images that are forgotten."""
    if experiment.samples:
        return round(experiment.samples * len(data.train_y))
    if experiment.mixed:
        setting = _setting(experiment.mixed)
        return setting.requests * setting.request
    return shadows.FORGET


def _model(experiment) -> tuple[str, dict]:
    usual = "lenet" if experiment.shadows else profile(experiment.profile).model
    options = {"name": usual} | experiment.model
    return options.pop("name"), options

"""``Experiment``: what an experiment file asks for; ``Run``: one of its runs; ``Outcome``."""

import functools
import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from torch import nn

from kit.datasets import ImageData
from kit.experiments import results
from kit.experiments.tuning import best, trials
from kit.methods.unlearn import Unlearned
from kit.models.pretrained import PRETRAINED
from kit.shadows import RECIPE as OF_SHADOWS
from kit.tasks import ForgetTask
from kit.training import Recipe
from kit.training.augment import Augment
from kit.training.profiles import profile

COMPARED = ("original", "clean", "untrained")  # arms that are no methods: networks as they are
KINDS = ("shadows", "mixed", "federation", "feature", "sequential")  # "one" has none of them


@dataclass(frozen=True)
class Experiment:
    """What an experiment file says.

    ``forget`` lists the requests, each a list of class indices; ``arms`` the runs on each of them:
    ``{"method": ..., <settings>}``. "original" and "retrain" are arms like the others; settings of
    "retrain" are changes to the recipe. The retrained model is judged against that of the
    experiment's next seed; if there is only one, alone, or against that of the seed after it where
    the audits need a reference.

    A table makes it one of another ``kind``, with a file of its own. ``shadows``: audits by shadow
    models (``kit.shadows.audit``). ``mixed``: a core and a user (``kit.experiments.mixed``); the
    settings of "original" and "retrain" are changes to that table. ``federation``: trained by a
    federation (``kit.experiments.federated``). ``feature``: the request is to forget that,
    ``forget`` is [[]], and "clean" (the feature never seen) and "untrained" are arms too. With
    ``shadows`` and ``mixed`` a request without classes is one for single images. With ``samples``
    the request is that share of the training images, at random, and ``forget`` is [[]]. With
    ``sequential`` each class is a request of its own (``kit.experiments.sequential``).

    With ``share`` the experiment runs on that share of each class's training images, with
    ``image_size`` on images made smaller. ``model`` can name a pretrained network
    (``kit.models.pretrained``), and with ``above`` a layer below which it is frozen: what lies
    below is computed once (``kit.activations``).

    With ``trials`` each arm is tried with so many settings of its method's grid
    (``kit.experiments.tuning``), and with ``held_out`` that share of the training images stands in
    for the test images; with ``tuned``, the name of such an experiment, arms take the settings of
    its best trials.

    Raises
    ------
    ValueError
        requests, seeds or arms that are none, tables of two kinds, or ``samples`` beside a table.
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
    image_size: int = 0  # pixels, where the images are to be smaller than they are
    model: dict = field(default_factory=dict)  # {"name": ..., options}, in place of the profile's
    recipe: dict = field(default_factory=dict)  # changes to the profile's
    shadows: dict = field(default_factory=dict)  # settings of kit.shadows.audit
    federation: dict = field(default_factory=dict)  # settings of kit.experiments.federated.trial
    mixed: dict = field(default_factory=dict)  # a kit.experiments.mixed.Setting
    feature: dict = field(default_factory=dict)  # arguments of kit.tasks.forget_feature
    samples: float = 0.0
    sequential: bool = False  # requests in a row, no table
    trials: int = 0
    tuned: str = ""
    held_out: float = 0.0
    curves: bool = False  # record the test accuracies after every epoch
    tuning: dict = field(default_factory=dict)  # settings of all arms but the two trained ones

    def __post_init__(self):
        _check_lists(self)
        if sum(bool(getattr(self, kind)) for kind in KINDS) > 1:
            raise ValueError(f"{self.name}: an experiment has one table of {', '.join(KINDS)}")
        if self.samples and self.kind != "one":
            raise ValueError(f"{self.name}: samples are not for an experiment with {self.kind}")
        _check_network(self)

    @classmethod
    def load(cls, path: Path) -> "Experiment":
        """Read ``path``; ``ValueError`` or ``FileNotFoundError`` say what is wrong with it."""
        if not path.exists():
            known = ", ".join(sorted(p.name for p in path.parent.glob("*.toml")))
            raise FileNotFoundError(f"{path} is not there; {path.parent} holds {known or 'none'}")
        try:
            return cls(name=path.stem, **tomllib.loads(path.read_text()))
        except (ValueError, TypeError) as error:  # also text that is not UTF-8
            raise ValueError(f"{path} is not an experiment: {error}") from error

    @cached_property
    def kind(self) -> str:
        """Which file of ``kit.experiments`` runs it: "one", or the table that it has."""
        return next((kind for kind in KINDS if getattr(self, kind)), "one")

    @property
    def full_recipe(self) -> Recipe:
        """How its originals are trained; above a cut, on maps, nothing is augmented."""
        base = OF_SHADOWS if self.kind == "shadows" else profile(self.profile).recipe
        plain = {"augment": Augment()} if "above" in self.model else {}
        return Recipe(**vars(base) | plain | with_augment(self.recipe))

    @property
    def network(self) -> tuple[str, dict]:
        """Name and options of its network."""
        usual = "lenet" if self.kind == "shadows" else profile(self.profile).model
        options = {"name": usual} | self.model
        return options.pop("name"), options

    def changes(self, arm: dict) -> dict:
        """The settings that an arm runs with where they differ from its method's defaults: the
        experiment's tuning, what another experiment found best, and the arm's own, which win."""
        method = arm["method"]
        if method in (*COMPARED, "retrain"):
            return settings(arm)
        tuned = _best(self.tuned).get(method, {}) if self.tuned else {}
        return self.tuning | tuned | settings(arm)

    @property
    def runs(self) -> list[dict]:
        """The arms, those to be tuned once with each trial."""
        return [run for arm in self.arms for run in trials(arm, self.trials)]


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be forgotten: its name in records, and a hash of all that decides it.

    ``task`` is None where a run makes its own, from the experiment's table and the seed.
    """

    name: str
    fingerprint: str
    classes: list[int]
    task: ForgetTask | None = None

    @classmethod
    def of(cls, task: ForgetTask) -> "Request":
        return cls(task.name, task.fingerprint, task.forget_classes, task)


@dataclass(frozen=True, eq=False)
class Run:
    """One run: an arm on a request, with a seed."""

    experiment: Experiment
    data: ImageData
    request: Request
    seed: int
    arm: dict  # {"method": ..., <settings>}
    model: nn.Module | None = None  # one that can be made anew, where no name says all of it

    @property
    def network(self) -> tuple[str | nn.Module, dict]:
        """The network, or its name and its options."""
        return self.experiment.network if self.model is None else (self.model, {})

    @property
    def id(self) -> str:
        """The name of its record, known before the run."""
        model, _ = self.experiment.network
        return results.record_id(
            self.experiment.name, self.data.name, model, self.arm["method"], settings(self.arm),
            self.request.name, self.seed,
        )  # fmt: skip

    @cached_property
    def inputs(self) -> dict[str, str]:
        """What the run is made from, mostly as hashes: a record of something else is found out."""
        return {
            "data": self.data.fingerprint,
            "request": self.request.fingerprint,
            "recipe": digest(asdict(self.experiment.full_recipe)),
            "network": digest(self.experiment.network),
            "audits": self.experiment.audits,
            "settings": digest(self.experiment.changes(self.arm)),
            "curves": str(self.experiment.curves),
        }

    def recorded(self, root: Path) -> dict | None:
        """Its record, if it is there; ``ValueError`` if that is a record of something else.

        Of a record of schema 1 nothing but the recipe can be compared.
        """
        file = root / f"{self.id}.json"
        if not file.exists():
            return None
        record = results.load(file)
        made_from = record.get("inputs", {"recipe": digest(record["recipe"])})
        differs = [k for k, value in self.inputs.items() if made_from.get(k, value) != value]
        if differs:
            raise ValueError(
                f"{file.name} is the record of another run, with another {' and '.join(differs)}: "
                f"give this experiment or sweep a name of its own, or remove that record"
            )
        return record

    def record(self, outcome: "Outcome") -> dict:
        """The record of what came out, unwritten."""
        record = results.make(
            outcome.out, outcome.task, outcome.metrics, experiment=self.experiment.name,
            model=self.experiment.network[0], recipe=self.experiment.full_recipe,
            options=settings(self.arm), inputs=self.inputs, curves=outcome.curves,
            request=self.request.name,
        )  # fmt: skip
        assert record["id"] == self.id, f"a run called {self.id} made a record of {record['id']}"
        return record


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run leaves: the request it served, what came out, its metrics, and one value an epoch,
    round or request."""

    task: ForgetTask
    out: Unlearned
    metrics: dict[str, float]
    curves: dict[str, list[float]] = field(default_factory=dict)


def _check_lists(experiment: Experiment) -> None:
    """``ValueError`` unless requests, seeds and arms are what they must be."""

    def whole(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    needed = {
        "forget": ("lists of class indices, [[3]]",
                   lambda one: isinstance(one, list) and all(map(whole, one))),
        "seeds": ("whole numbers, [0, 1, 2]", whole),
        "arms": ('tables with a method, [{method = "unsir"}]',
                 lambda one: isinstance(one, dict) and isinstance(one.get("method"), str)),
    }  # fmt: skip
    for name, (kind, fits) in needed.items():
        given = getattr(experiment, name)
        if not isinstance(given, list) or not all(map(fits, given)):
            raise ValueError(f"{experiment.name}: {name} must be a list of {kind}; got {given!r}")
        if not given and name != "arms":
            raise ValueError(f"{experiment.name}: {name} is empty: nothing would run")


def _check_network(experiment: Experiment) -> None:
    """``ValueError`` where a pretrained network is named that would not be used."""
    name, options = experiment.model.get("name"), experiment.model
    if name in PRETRAINED and experiment.kind in ("shadows", "federation"):
        raise ValueError(f"{experiment.name}: {experiment.kind} train {name} from fresh weights")
    if "above" in options and name not in PRETRAINED:
        known = ", ".join(PRETRAINED)
        raise ValueError(f"{experiment.name}: above is for a pretrained network ({known})")
    arms = map(settings, experiment.arms) if experiment.mixed else ()
    for table in (experiment.mixed, *arms):  # arms can change that table
        core, asked = table.get("core"), table.get("activation")
        if name in PRETRAINED and asked not in (None, options.get("activation", "relu")):
            where = "say activation in [model], where the network is cut"
            raise ValueError(f"{experiment.name}: {where}")
        if core == 0 and name not in PRETRAINED:
            raise ValueError(f"{experiment.name}: a core without images must be pretrained")


def request_name(classes: list[int], images: int) -> str:
    """What a request is called before its task is made: as that task will be."""
    return f"class:{'+'.join(map(str, classes))}" if classes else f"sample:{images}"


def settings(arm: dict) -> dict:
    """What an arm changes."""
    return {k: v for k, v in arm.items() if k != "method"}


def with_augment(changes: dict) -> dict:
    """The settings with the table of augmentations, if there is one, as what it stands for."""
    if "augment" not in changes:
        return changes
    return changes | {"augment": Augment(**changes["augment"])}


def digest(plain: object) -> str:
    """Hash of what JSON can hold."""
    text = json.dumps(plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def _best(experiment: str) -> dict[str, dict]:
    return best(results.read(experiment))

"""Experiments of kind "mixed": a core, a user's data, and requests one after another."""

import copy
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from kit import metrics, models
from kit.datasets import ImageData
from kit.datasets.split import Split
from kit.experiments import one
from kit.experiments.experiment import (
    Experiment,
    Outcome,
    Request,
    Run,
    digest,
    request_name,
    settings,
)
from kit.methods.unlearn import Unlearned, unlearn
from kit.metrics.inside.information import certified_nats, largest_sigma, oracle_nats
from kit.metrics.inside.readouts import readouts, relearn_time
from kit.models.fresh import fresh
from kit.parts.mixed_linear import MixedLinear
from kit.runtime.checks import one_of
from kit.runtime.cost import measure as measured
from kit.runtime.device import device
from kit.runtime.progress import progress
from kit.tasks import ForgetTask, forget_classes, forget_samples
from kit.training import Recipe, cache, fit, predict

TRAINED = ("original", "retrain")  # what the unlearned user weights are compared with


@dataclass(frozen=True)
class Setting:
    """How many images the core and the user have, what is asked for, and the linear model.

    A core without images is the network as it comes: a pretrained one.

    ``train`` says how the user's images are learnt: "cg" finds the optimum; "sgd" takes ``epochs``
    of annealed SGD as the paper does and stops short of it; "network" has no linear model and
    fine-tunes the core itself for ``epochs``, what Mixed-Privacy is an alternative to. The
    reference of all read-outs is the optimum on what is retained; for "network" its retraining.
    """

    core: int
    user: int
    requests: int = 10  # for single images; a request for classes is one
    request: int = 20  # images
    layers: tuple[str, ...] | None = None
    scale: float = 5.0
    penalty: float = 0.01
    tolerance: float = 1e-4  # of the optima, relative to the gradient at 0
    max_steps: int = 300
    train: str = "cg"
    epochs: int = 50
    activation: str = "leaky_relu"
    path: bool = False  # know the optimum after every request, not after the last one alone
    relearn: bool = False  # measure relearn times
    knows: bool = True  # whether the core has images of the classes to forget

    def __post_init__(self):
        one_of("train", self.train, ("cg", "sgd", "network"))
        if self.requests * self.request >= self.user:
            asked = f"{self.requests} requests of {self.request} images"
            raise ValueError(f"{asked} leave nothing of {self.user}")


def request(experiment: Experiment, data: ImageData, classes: list[int]) -> Request:
    """Classes, or the single images of all requests together; the seed draws the user's data."""
    setting = _setting(experiment.mixed)
    classes = sorted(classes)
    images = setting.requests * setting.request
    name = request_name(classes, images)
    return Request(name, digest([classes, experiment.mixed]), classes)


def config(experiment: Experiment, arm: dict):
    """The settings of the method; of the two trained arms the table with what they change."""
    if arm["method"] in TRAINED:
        return experiment.mixed | settings(arm)
    return one.config(experiment, arm)


def measure(run: Run, root: Path) -> Outcome:
    """Train the core and the user weights, honour all requests, read out what is left."""
    experiment = run.experiment
    model, options = run.network
    how = config(experiment, run.arm)
    table = how if run.arm["method"] in TRAINED else experiment.mixed
    task, out, metrics, path = trial(
        run.data, tuple(run.request.classes), run.arm["method"], how, _setting(table), model=model,
        recipe=experiment.full_recipe, seed=run.seed, **options,
    )  # fmt: skip
    return Outcome(task, out, metrics, path)


def _setting(table: dict) -> Setting:
    """The table with its list of layers, if there is one, as what can be a key."""
    if "layers" not in table:
        return Setting(**table)
    return Setting(**table | {"layers": tuple(table["layers"]) or None})


@dataclass
class Ground:
    """What all arms of one seed share: the networks to compare with."""

    core: nn.Module
    tasks: list[ForgetTask]  # each request alone, on what is left of the user's data
    union: ForgetTask  # all requests at once
    original: nn.Module
    retrained: nn.Module
    reference: nn.Module
    optima: list[Tensor]  # user weights retrained after each request, or after the last alone
    costs: dict[str, dict]  # of original and retrained: seconds and passes


def trial(
    data: ImageData, classes: tuple[int, ...], method: str, config: object, setting: Setting, *,
    model: str | nn.Module, recipe: Recipe, seed: int = 0, **options,
) -> tuple[ForgetTask, Unlearned, dict[str, float], dict[str, list[float]]]:  # fmt: skip
    """Honour all requests in turn and read out what is left.

    Parameters
    ----------
    classes
        to forget; none: single images, ``setting.requests`` times.
    method
        "original": nothing is done; "retrain": the user weights are learnt from 0 on what is
        retained; "mixed_privacy" with its ``config``.

    Returns
    -------
    the union of the requests; the outcome, whose cost is that of all requests; the read-outs; and
    where ``setting.path`` asks for it, the "distance" to the retrained optimum after each request.

    Raises
    ------
    ValueError
        another method, or more images than the data set has.
    """
    if method not in (*TRAINED, "mixed_privacy"):
        raise ValueError(f"user weights have no method {method!r}")
    ground = _ground(data, classes, setting, model, recipe, seed, tuple(options.items()))
    curves = {}
    if method in TRAINED:
        network = ground.original if method == "original" else ground.retrained
        out = Unlearned(method, network, config, seed, **ground.costs[method])
        row = {}
    else:
        out, row, curves = _in_turn(ground, method, config, seed)
    row |= readouts(out.model, ground.reference, ground.union, seed=seed)
    row["core_error"] = _error(ground.core, ground.union.test)
    if classes:
        row["class_error"] = _error(out.model, ground.union.test_forget)
    if setting.relearn:
        row |= _relearning(ground, out.model)
    if setting.train != "network" and method == "original":
        row["largest_sigma"] = largest_sigma(out.model, ground.union.test, seed=seed)
    return ground.union, out, row, curves


def _in_turn(
    ground: Ground, method: str, config: object, seed: int
) -> tuple[Unlearned, dict[str, float], dict[str, list[float]]]:
    """All requests; the distance to the optimum is measured before each request's noise."""
    network, still, passes = ground.original, [], Counter()
    total = Unlearned(method, network, config, seed)
    for k, task in enumerate(progress(ground.tasks, "requests")):
        draw = seed * len(ground.tasks) + k
        quiet = replace(config, sigma=0.0)
        out = unlearn(method, network, task, seed=draw, config=quiet)
        network = out.model
        still.append(network.user.detach().clone())
        network.blur(config.sigma, draw)
        total.seconds += out.seconds
        passes.update(out.passes)
    total.model, total.passes = network, dict(passes)
    loss, best = network.loss(ground.union.retain), ground.optima[-1]
    row = {
        "distance": float((still[-1] - best).norm()),
        "optimum": float(best.norm()),
        "moved": float((ground.original.user.detach() - best).norm()),
        "gradient": float(loss.gradient(still[-1]).norm()),
        "rate": float(ground.original.rate),
    }
    if config.sigma:
        row["oracle_nats"] = oracle_nats(still[-1], best, config.sigma)
        row["certified_nats"] = certified_nats(loss, still[-1], config.sigma)
    curves = {}
    if len(ground.optima) > 1:
        pairs = list(zip(still, ground.optima, strict=True))
        curves["distance"] = [float((u - best).norm()) for u, best in pairs]
    return total, row, curves


@lru_cache(maxsize=2)
def _ground(
    data: ImageData,
    classes: tuple[int, ...],
    setting: Setting,
    model: str | nn.Module,
    recipe: Recipe,
    seed: int,
    options: tuple[tuple[str, object], ...],
) -> Ground:
    order = torch.randperm(len(data.train_y), generator=torch.Generator().manual_seed(seed))
    if setting.core + setting.user > len(order):
        asked = f"a core of {setting.core} and {setting.user} user images"
        raise ValueError(f"{asked} are more than the {len(order)} training images of {data.name}")
    user, known = order.split([setting.user, len(order) - setting.user])
    if not setting.knows:
        known = known[~torch.isin(data.train_y[known], torch.tensor(classes))]
    known = known[: setting.core]
    core = _core(data, user, known, setting, model, recipe, seed, dict(options))
    tasks, union = _requests(data, classes, setting, user)
    trained = {"original": union.train, "retrain": union.retain}
    networks, costs = {}, {}
    for name, split in trained.items():
        with measured() as meter:
            networks[name] = _learn(core, split, setting, recipe, seed)
        costs[name] = {"seconds": meter.seconds, "passes": dict(meter.passes)}
    reference, optima = networks["retrain"], []
    if setting.train == "sgd":
        reference = _learn(core, union.retain, replace(setting, train="cg"), recipe, seed)
    if setting.train != "network":
        optima = [reference.user.detach()]
        if setting.path:
            optima = _path(networks["original"], tasks, setting) + optima
    return Ground(core, tasks, union, *networks.values(), reference, optima, costs)


def _core(
    data: ImageData, user: Tensor, known: Tensor, setting: Setting, model: str | nn.Module,
    recipe: Recipe, seed: int, options: dict,
) -> nn.Module:  # fmt: skip
    """The network trained on the core's images; without any, as it comes."""
    named = isinstance(model, str)
    options = options | {"activation": setting.activation} if named else {}
    if setting.core:
        known = forget_samples(data, user, within=torch.cat([user, known]))
        return cache.trained(model, known, on="retain", seed=seed, recipe=recipe, **options)
    new = models.build(model, data, seed=seed, **options) if named else fresh(model, seed)
    return new.to(device())


def _requests(
    data: ImageData, classes: tuple[int, ...], setting: Setting, user: Tensor
) -> tuple[list[ForgetTask], ForgetTask]:
    if classes:
        task = forget_classes(data, list(classes), within=user)
        return [task], task
    asked = user[: setting.requests * setting.request].split(setting.request)
    tasks = [
        forget_samples(data, rows, within=user[k * setting.request :])
        for k, rows in enumerate(asked)
    ]
    return tasks, forget_samples(data, torch.cat(asked), within=user)


def _learn(core: nn.Module, split: Split, setting: Setting, recipe: Recipe, seed: int) -> nn.Module:
    core = copy.deepcopy(core)
    if setting.train == "network":
        tuning = replace(recipe, epochs=setting.epochs, lr=recipe.lr / 10)
        fit(core, split, tuning, seed=seed, title="fine-tuning")
        return core
    network = MixedLinear(core, layers=setting.layers, scale=setting.scale, penalty=setting.penalty)
    if setting.train == "sgd":
        network.learn_slowly(split, epochs=setting.epochs, seed=seed)
    else:
        network.learn(split, tolerance=setting.tolerance, max_steps=setting.max_steps)
    return network.eval()


def _path(original: MixedLinear, tasks: list[ForgetTask], setting: Setting) -> list[Tensor]:
    """The optimum after each request but the last, each found from the one before."""
    network, optima = copy.deepcopy(original), []
    for task in progress(tasks[:-1], "optima"):
        network.learn(task.retain, tolerance=setting.tolerance, max_steps=setting.max_steps)
        optima.append(network.user.detach().clone())
    return optima


def _relearning(ground: Ground, network: MixedLinear) -> dict[str, float]:
    """The time until half of what forgetting costs in loss on the forgotten images is back."""
    asked = ground.original.loss(ground.union.forget)
    known, unknown = (asked.misfit(m.user.detach()) for m in (ground.original, ground.reference))
    goal = (known + unknown) / 2
    return {"relearn_time": relearn_time(network, ground.union, goal)}


def _error(network: nn.Module, split: Split) -> float:
    return 1 - metrics.accuracy(predict(network, split), split.y)

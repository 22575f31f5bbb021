"""Sweeps: methods x seeds on one task, one record a run, on as many processes as there are."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from kit import methods, models
from kit.experiments import one, results
from kit.experiments.experiment import COMPARED, Experiment, Request, Run
from kit.metrics.evaluate import AUDITS
from kit.models.fresh import fresh
from kit.models.own import Own
from kit.runtime import backends
from kit.runtime.checks import one_of
from kit.runtime.device import device
from kit.runtime.progress import progress
from kit.tasks import ForgetTask
from kit.training import Recipe
from kit.training.profiles import profile

FIRST = [{"method": "retrain"}, {"method": "original"}]  # what all others are compared with


@dataclass(frozen=True)
class Sweep:
    """``records``: a run a row, as ``kit.results.read``; ``failures``: run -> what went wrong."""

    records: pd.DataFrame
    failures: dict[str, str]


def sweep(
    task: ForgetTask,
    methods: str | Sequence[str | dict] = "all",
    seeds: int | Sequence[int] = 3,
    *,
    name: str = "sweep",
    model: str | dict | nn.Module = "",
    recipe: Recipe | None = None,
    audits: str = "comparison",
    backend: str = "serial",
    workers: int | None = None,
    root: Path | None = None,
) -> Sweep:
    """Run methods on a task, each from the same originals, and record every run.

    Runs that have a record are not repeated: a sweep that was killed goes on where it was. A run
    that fails is reported and does not stop the others; it is tried again the next time.

    Parameters
    ----------
    methods
        names, or settings ``{"method": name, ...}``; "all" that serve the task. The original and
        the retrained model are always there.
    seeds
        of the originals: a list, or how many from 0 on.
    name
        of the records. One that is there and was made from other data, images, recipe, network
        options or audits is refused: a sweep of these needs a name of its own.
    model
        name of the network, or ``{"name": name, <options>}``; by default the quick profile's. A
        network of ``kit.models.wrap`` is made anew and trained for each seed.
    recipe
        how to train; by default the quick profile's.
    audits
        of ``kit.evaluate``.
    backend, workers
        "serial"; "loky": processes on this machine; "dask" and "ray": a cluster that is connected
        (``kit.runtime.backends.spread``). A worker gets its share of this machine's cores.
    root
        folder of the records, by default that of the project.

    Raises
    ------
    ValueError
        an unknown method, setting, network or backend; no seed; records of this name that are of
        something else.
    """
    experiment = Experiment(
        name=name, profile="quick", forget=[task.forget_classes], seeds=_seeds(seeds),
        arms=FIRST + [arm for arm in _arms(methods, task) if arm not in FIRST], audits=audits,
        dataset=task.data.name, model=_network(model, task),
        recipe=asdict(recipe) if recipe else {},
    )  # fmt: skip
    _check(experiment, task)
    root = root or results.records_root()
    request, own = _request(task), model if isinstance(model, nn.Module) else None
    runs = [
        Run(experiment, task.data, request, seed, arm, own)
        for seed in experiment.seeds
        for arm in experiment.arms
    ]
    todo = [run for run in runs if not run.recorded(root)]
    threads = _threads(backend, workers)
    jobs = ((run, root, threads) for run in todo)
    failures = {}
    outcomes = backends.spread(_attempt, jobs, backend=backend, workers=workers)
    for run, outcome in zip(progress(todo, name), outcomes, strict=True):
        if isinstance(outcome, dict):
            results.write(outcome, root)
        else:
            failures[run.id] = outcome
    return Sweep(_records(runs, root), failures)


def _threads(backend: str, workers: int | None) -> int:
    """Of a worker: its share of this machine's cores."""
    if backend == "serial":
        return torch.get_num_threads()
    cores = os.cpu_count() or 1
    return max(1, cores // (workers or cores))


def _attempt(run: Run, root: Path, threads: int) -> dict | str:
    """In a worker: the record of a run, or what went wrong."""
    torch.set_num_threads(threads)
    try:
        return run.record(one.measure(run, root))
    except Exception as error:  # one run's failure must not end the sweep
        return f"{type(error).__name__}: {error}"


def _records(runs: list[Run], root: Path) -> pd.DataFrame:
    """The records of all runs that were asked for and did not fail, in the order of their files."""
    found = filter(None, (run.recorded(root) for run in runs))
    return results.table(sorted(found, key=lambda record: record["id"]))


def _arms(asked: str | Sequence[str | dict], task: ForgetTask) -> list[dict]:
    if asked == "all":
        asked = [n for n in methods.names(task.level) if methods.get(n).takes is nn.Module]
    arms = [{"method": a} if isinstance(a, str) else dict(a) for a in asked]
    for arm in arms:
        if arm["method"] not in COMPARED:
            methods.get(arm["method"])
    return arms


def _seeds(seeds: int | Sequence[int]) -> list[int]:
    chosen = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not chosen:
        raise ValueError(f"a sweep needs at least one seed, got {seeds!r}")
    return chosen


def _check(experiment: Experiment, task: ForgetTask) -> None:
    """Refuse what cannot run, before anything does."""
    one_of("audits", experiment.audits, AUDITS)
    device()
    for arm in experiment.arms:
        one.check(experiment, arm, task)


def _network(model: str | dict | nn.Module, task: ForgetTask) -> dict:
    """Name and options of the network that is asked for, once it could be made."""
    if isinstance(model, nn.Module):
        if not isinstance(model, Own):
            raise ValueError(
                "give the network's name, or wrap your own: kit.models.wrap(make, task)"
            )
        fresh(model, 0)
        return {"name": model.name}
    asked = {"name": profile("quick").model} | (model if isinstance(model, dict) else {})
    if model and isinstance(model, str):
        asked["name"] = model
    models.build(asked["name"], task, **{k: v for k, v in asked.items() if k != "name"})
    return asked


def _request(task: ForgetTask) -> Request:
    """As its records call it: of single images how many does not say which."""
    request = Request.of(task)
    if task.level != "sample":
        return request
    return replace(request, name=f"{request.name}~{request.fingerprint[:8]}")

"""Sweeps: methods x seeds on one task, one record a run, on as many processes as there are."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from kit import backends, methods, results
from kit.experiments import COMPARED, Experiment, place, reference_row, run_arm
from kit.profiles import profile
from kit.progress import progress
from kit.tasks import ForgetTask
from kit.training import Recipe

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
    model: str | dict = "",
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
        of the records; different settings need different names.
    model
        name of the network, or ``{"name": name, <options>}``; by default the quick profile's.
    recipe
        how to train; by default the quick profile's.
    audits
        of ``kit.evaluate``.
    backend, workers
        "serial"; "loky": processes on this machine; "dask" and "ray": a cluster that is connected
        (``kit.backends.spread``). A worker gets its share of this machine's cores.
    root
        folder of the records, by default that of the project.

    Raises
    ------
    ValueError
        an unknown method, setting, network or backend; no seed.
    """
    experiment = Experiment(
        name=name, profile="quick", forget=[task.forget_classes], seeds=_seeds(seeds),
        arms=FIRST + [arm for arm in _arms(methods, task) if arm not in FIRST], audits=audits,
        dataset=task.data.name, model=model if isinstance(model, dict) else _named(model),
        recipe=asdict(recipe) if recipe else {},
    )  # fmt: skip
    for arm in experiment.arms:
        experiment.config(arm)
    root = root or results.records_root()
    todo = [
        (seed, arm)
        for seed in experiment.seeds
        for arm in experiment.arms
        if not place(experiment, task.data, task.name, seed, arm, root).exists()
    ]
    threads = torch.get_num_threads()
    if backend != "serial":
        threads = max(1, (os.cpu_count() or 1) // (workers or os.cpu_count() or 1))
    jobs = ((experiment, task, seed, arm, root, threads) for seed, arm in todo)
    failures = {}
    outcomes = backends.spread(_attempt, jobs, backend=backend, workers=workers)
    for (seed, arm), outcome in zip(progress(todo, name), outcomes, strict=True):
        if isinstance(outcome, dict):
            results.write(outcome, root)
        else:
            failures[place(experiment, task.data, task.name, seed, arm, root).stem] = outcome
    return Sweep(_records(experiment, task, root), failures)


def _attempt(experiment, task, seed, arm, root, threads) -> dict | str:
    """In a worker: the record of a run, or what went wrong."""
    torch.set_num_threads(threads)
    try:
        row = reference_row(experiment, task, seed, root)
        return run_arm(experiment, task, seed, arm, row)
    except Exception as error:  # one run's failure must not end the sweep
        return f"{type(error).__name__}: {error}"


def _records(experiment, task, root) -> pd.DataFrame:
    try:
        table = results.read(experiment.name, root)
    except ValueError:
        if any(root.glob(f"{experiment.name}_*.json")):
            raise
        return pd.DataFrame()
    return table[(table["task"] == task.name) & (table["dataset"] == task.data.name)]


def _arms(asked, task) -> list[dict]:
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


def _named(model: str) -> dict:
    return {"name": model or profile("quick").model}

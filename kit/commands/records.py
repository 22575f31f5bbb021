"""``kit run | sweep | list | table | data``: experiments, their records, and what there is."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kit.runtime.backends import BACKENDS

if TYPE_CHECKING:
    import pandas as pd

    from kit.datasets import ImageData
    from kit.tasks import ForgetTask


def add(commands: argparse._SubParsersAction) -> None:
    """Tell the parser of these commands."""
    command = commands.add_parser("run", help="run experiment files and write their records")
    command.add_argument("files", type=Path, nargs="+", help="e.g. results/experiments/unsir.toml")
    command.set_defaults(command=_run)

    command = commands.add_parser("sweep", help="methods x seeds on one task, a record a run")
    command.add_argument("--task", required=True, help="class:3, class:2+5+8 or sample:500")
    command.add_argument("--dataset", help="the quick profile's by default")
    command.add_argument("--root", type=Path, help="folder of the data")
    command.add_argument("--methods", default="all", help='"all", or names with commas between')
    command.add_argument("--seeds", type=int, default=3, help="how many")
    command.add_argument("--model", default="", help="network; the quick profile's by default")
    command.add_argument(
        "--audits",
        default="comparison",
        help="fast, gap, features, masking, relearn, comparison or full",
    )
    command.add_argument("--name", default="sweep", help="of the records")
    command.add_argument("--records", type=Path, help="folder of the records")
    command.add_argument("--backend", default="serial", choices=BACKENDS[:2])
    command.add_argument("--workers", type=int, help="processes, with loky")
    command.set_defaults(command=_sweep)

    command = commands.add_parser("list", help="list methods, models and data sets")
    command.set_defaults(command=_list)

    command = commands.add_parser("table", help="mean and spread of an experiment's records")
    command.add_argument("experiment", help="name of an experiment file, without .toml")
    command.set_defaults(command=_table)

    command = commands.add_parser("data", help="load a data set, downloading it if need be")
    command.add_argument(
        "name", help="a data set; make-mini, make-caltech-mini: cut those that ship anew"
    )
    command.add_argument("--root", type=Path, help="folder of the data")
    command.set_defaults(command=_data)


def _run(args: argparse.Namespace) -> str:
    """Runs that diverged."""
    from kit.experiments import results
    from kit.experiments.experiment import Experiment
    from kit.experiments.run import run
    from kit.runtime.progress import progress

    experiments = [Experiment.load(file) for file in args.files]  # all, before any of them runs
    diverged = []
    for experiment in progress(experiments, "experiments"):
        try:
            print(f"{experiment.name}: {run(experiment)} new records in {results.records_root()}")
        except FloatingPointError as error:
            diverged.append(str(error))
    return "\n".join(diverged)


def _sweep(args: argparse.Namespace) -> str:
    """Runs that failed."""
    from kit import datasets
    from kit.experiments.sweep import sweep
    from kit.training.profiles import profile

    usual = profile("quick")
    data = datasets.load(args.dataset or usual.dataset, root=args.root)
    named = [name.strip() for name in args.methods.split(",")]
    chosen = "all" if named == ["all"] else named
    done = sweep(
        _task(args.task, data),
        chosen,
        args.seeds,
        name=args.name,
        model=args.model,
        recipe=usual.recipe,
        audits=args.audits,
        backend=args.backend,
        workers=args.workers,
        root=args.records,
    )
    if len(done.records):
        _show(done.records)
    lines = [f"  {run}: {what}" for run, what in done.failures.items()]
    return "\n".join([f"{len(lines)} runs failed, the others are kept:", *lines]) if lines else ""


def _task(text: str, data: "ImageData") -> "ForgetTask":
    """ "class:2+5" or "sample:500" (drawn at random) as a task."""
    from kit import tasks

    kind, _, what = text.partition(":")
    try:
        numbers = [int(n) for n in what.split("+")]
    except ValueError:
        numbers = []
    if kind == "class" and numbers:
        return tasks.forget_classes(data, numbers)
    if kind == "sample" and len(numbers) == 1:
        return tasks.forget_samples(data, tasks.random_rows(data, numbers[0]))
    raise ValueError(f"cannot read the task {text!r}: write class:3, class:2+5+8 or sample:500")


def _list(args: argparse.Namespace) -> None:
    from kit import datasets, methods, models

    rows = [(name, "/".join(methods.get(name).level)) for name in methods.names()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, level in rows:
        needs = methods.get(name).needs
        print(f"method  {name:{widths[0]}} {level:{widths[1]}} needs {needs}")
    print("models ", ", ".join(models.names()))
    print("data   ", ", ".join(datasets.names()))


def _table(args: argparse.Namespace) -> None:
    from kit.experiments import results

    _show(results.read(args.experiment))


def _show(table: "pd.DataFrame") -> None:
    from kit.experiments import results

    by = ["dataset", "model", "task", "arm"]
    metrics = [m for m in (*results.HEADLINES, "seconds") if m in table]
    print(results.summary(table, by, metrics).round(4).to_string())


def _data(args: argparse.Namespace) -> None:
    from kit import datasets
    from kit.datasets.fashion_mnist import make_mini
    from kit.datasets.photographs import make_caltech_mini
    from kit.datasets.sources import data_root

    make = {"make-mini": make_mini, "make-caltech-mini": make_caltech_mini}
    if args.name in make:
        print(make[args.name](data_root(args.root)))
    else:
        print(datasets.load(args.name, root=args.root, download=True))

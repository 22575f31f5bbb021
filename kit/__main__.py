"""The command line: ``python -m kit run | sweep | list | table | data``.

Each command imports what it needs when it runs: help answers at once.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kit.runtime.backends import BACKENDS
from kit.runtime.version import __version__, rival

if TYPE_CHECKING:
    import pandas as pd

    from kit.datasets import ImageData
    from kit.tasks import ForgetTask


def main(arguments: list[str] | None = None) -> int:
    """Run one command; bad input prints one line that says what was wrong and returns 2.

    Runs that failed return 3: they are listed, and everything else was done. An interrupt returns
    130: what was finished is kept, and the same command goes on from there.
    """
    args = _parser().parse_args(arguments)
    if told := rival():
        print(f"kit: {told}", file=sys.stderr)
    try:
        failed = args.command(args)
    except KeyboardInterrupt:
        print("kit: interrupted; finished runs are kept, the same command goes on", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"kit: {error}", file=sys.stderr)
        return 2
    if failed:
        print(f"kit: {failed}", file=sys.stderr)
    return 3 if failed else 0


def _parser() -> argparse.ArgumentParser:
    called = "kit" if Path(sys.argv[0]).name == "kit" else "python -m kit"
    parser = argparse.ArgumentParser(prog=called, description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"kit {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

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
    command.add_argument("--audits", default="comparison",
                         help="fast, gap, features, relearn, comparison or full")  # fmt: skip
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
    return parser


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
        _task(args.task, data), chosen, args.seeds, name=args.name, model=args.model,
        recipe=usual.recipe, audits=args.audits, backend=args.backend, workers=args.workers,
        root=args.records,
    )  # fmt: skip
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


if __name__ == "__main__":
    sys.exit(main())

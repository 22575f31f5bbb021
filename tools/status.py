"""The tables of the status page: what ran each chapter, and what each experiment's records hold."""

from datetime import datetime
from pathlib import Path

import nbformat
import pandas as pd
from chapters import REPOSITORY, is_current

from kit.experiments.experiment import Experiment
from kit.plots.sources import device_names

PAUSE = pd.Timedelta(hours=1)  # between two records: another sitting


def chapters(executed: list[Path]) -> str:
    """A table of what ran each chapter, and the versions that were used."""
    rows, versions = [], {}
    for file in executed:
        notebook = nbformat.read(file, as_version=4)
        run, ours = notebook.metadata["papermill"], notebook.metadata["kit"]
        current = is_current(file, REPOSITORY / "notebooks" / file.name)
        rows.append({
            "chapter": f"[{title(notebook)}](../notebooks/{file.name})",
            "profile": run["parameters"]["profile"],
            "executed": datetime.fromisoformat(run["start_time"]).strftime("%Y-%m-%d %H:%M"),
            "seconds": f"{run['duration']:.0f}",
            "device": ours["device"],
            "commit": f"`{ours['commit']}`",
            "text": "as run" if current else "changed",
        })  # fmt: skip
        used = ", ".join(f"{package} {number}" for package, number in ours["versions"].items())
        versions.setdefault(used, []).append(file.stem)
    usual = max(versions, key=lambda used: len(versions[used]))
    notes = [f"With {usual}."]
    notes += [f"{', '.join(v)}: with {used}." for used, v in versions.items() if used != usual]
    return "\n".join([table(rows), *notes]) + "\n"


def experiments(files: list[Path], records: pd.DataFrame) -> str:
    """A table of the runs that each experiment asks for and has, and of what ran them when."""
    rows = []
    for experiment in map(Experiment.load, files):
        runs = records[records["experiment"] == experiment.name]
        asked = len(experiment.seeds) * len(experiment.forget) * len(experiment.runs)
        rows.append({
            "experiment": f"`{experiment.name}`",
            "profile": experiment.profile,
            "runs": unbroken(f"{len(runs)} of {asked}"),
            "minutes": f"{minutes(runs['date']):.0f}" if len(runs) else "",
            "last run": unbroken(runs["date"].max()[:10]) if len(runs) else "",
            "device": unbroken(device_names(runs["device"])),
        })  # fmt: skip
    return table(rows)


def minutes(dates: pd.Series) -> float:
    """From the first to the last record of each sitting, audits and trained originals included."""
    steps = pd.to_datetime(dates).sort_values().diff()
    return steps[steps < PAUSE].sum().total_seconds() / 60


def table(rows: list[dict[str, str]]) -> str:
    """Rows of equal keys as a Markdown table."""
    lines = [rows[0], ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def unbroken(text: str) -> str:
    """With spaces and hyphens at which no line ends."""
    return text.replace(" ", "\u00a0").replace("-", "\u2011")


def title(notebook) -> str:
    cells = (c.source for c in notebook.cells if c.cell_type == "markdown")
    headings = (line for text in cells for line in text.splitlines() if line.startswith("# "))
    return next(headings).removeprefix("# ")

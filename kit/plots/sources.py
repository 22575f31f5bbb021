"""Where a chapter's recorded numbers come from, and what was found at a larger scale so far."""

import pandas as pd

from kit.experiments import results
from kit.plots import page


def sources(*experiments: str) -> None:
    """Show a row for each experiment: data, network, runs, seeds of an arm, device and dates.

    Raises what ``kit.results.read`` raises for an experiment without records.
    """
    records = {name: results.read(name) for name in experiments}
    page.table(pd.DataFrame([_source(runs) for runs in records.values()], list(records)))


def _source(runs: pd.DataFrame) -> dict[str, str | int]:
    seeds = runs.groupby(["task", "arm"])["seed"].nunique()
    return {
        "data": _all(runs["dataset"]), "network": _all(runs["model"]), "runs": len(runs),
        "seeds": _range([str(seeds.min()), str(seeds.max())]),
        "device": device_names(runs["device"]),
        "date": _range(sorted(date[:10] for date in runs["date"])),
    }  # fmt: skip


def larger(*experiments: str) -> None:
    """Show a table for each experiment that has records, and say which have none yet.

    Rows are requests and arms; numbers are means over seeds, with their standard deviation where
    there are several. Above each table stand data, network, device and dates of its runs.
    """
    records = results.read()
    recorded = [name for name in experiments if name in set(records["experiment"])]
    for name in recorded:
        runs = records[records["experiment"] == name]
        page.say(f"**{name}**" + "".join(f"\n- {one}" for one in origin(runs).split("; ")))
        page.table(outline(runs))
    absent = [f"`{name}`" for name in experiments if name not in recorded]
    if absent:
        how = "`python -m kit run results/experiments/<name>.toml`"
        page.say(f"Not run yet: {', '.join(absent)} ({how}).")


def outline(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each request and arm: text cells "mean ± sd" in per cent, seconds, seeds."""
    runs = runs.assign(task=runs["task"].map(_request)).sort_values("task", kind="stable")
    several = runs["task"].nunique() > 1
    groups = runs.groupby(["task", "arm"] if several else "arm", sort=False)
    metrics = [m for m in results.HEADLINES if m in runs and runs[m].notna().any()]
    seconds = groups["seconds"].mean().map("{:.1f}".format)
    return results.mean_sd(groups[metrics]).assign(seconds=seconds, seeds=groups["seed"].nunique())


def seeds(runs: pd.DataFrame) -> str:
    """ "one seed" or, of several, "3 seeds"."""
    count = runs["seed"].nunique()
    return "one seed" if count == 1 else f"{count} seeds"


def origin(runs: pd.DataFrame) -> str:
    """Data, network, device and dates."""
    source = _source(runs)
    return f"{source['data']}, {source['network']}; {source['device']}; {source['date']}"


def device_names(column: pd.Series) -> str:
    """The devices of records; one that ran with different numbers of threads is named once."""
    parts = column.str.extract(r"(?P<name>.*?)(?:, (?P<threads>\d+) threads)?$").drop_duplicates()
    said = []
    for name, rows in parts.groupby("name"):
        counts = sorted(rows["threads"].dropna(), key=int)
        unit = "thread" if counts == ["1"] else "threads"
        said.append(f"{name}, {' or '.join(counts)} {unit}" if counts else name)
    return " and ".join(said)


def _all(column: pd.Series) -> str:
    return " and ".join(sorted(column.unique()))


def _range(ordered: list[str]) -> str:
    first, last = ordered[0], ordered[-1]
    return first if first == last else f"{first} to {last}"


def _request(task: str) -> str:
    """The request's name, of many classes only how many they are."""
    classes = task.count("+") + 1
    return f"{classes} classes" if classes > 4 else task

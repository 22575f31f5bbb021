"""Where a chapter's recorded numbers come from, and what was found at a larger scale so far."""

import pandas as pd

from kit import plots, results


def sources(*experiments: str) -> None:
    """Show a row for each experiment: data, network, runs, seeds of an arm, device and dates.

    Raises what ``kit.results.read`` raises for an experiment without records.
    """
    records = {name: results.read(name) for name in experiments}
    plots.table(pd.DataFrame([_source(runs) for runs in records.values()], list(records)))


def _source(runs: pd.DataFrame) -> dict[str, str | int]:
    arms = [_arm(run) for run in runs.to_dict("records")]
    seeds = runs.groupby([runs["task"], pd.Series(arms, runs.index)])["seed"].nunique()
    return {
        "data": _all(runs["dataset"]), "network": _all(runs["model"]), "runs": len(runs),
        "seeds": _range([str(seeds.min()), str(seeds.max())]), "device": _all(runs["device"]),
        "date": _range(sorted(date[:10] for date in runs["date"])),
    }  # fmt: skip


def larger(*experiments: str) -> None:
    """Show a table for each experiment that has records, and say which have none yet.

    Rows are requests and arms; numbers are means over seeds, with their standard deviation where
    there are several. Above each table: data, network, device and dates of its runs.
    """
    records = results.read()
    recorded = [name for name in experiments if name in set(records["experiment"])]
    for name in recorded:
        runs = records[records["experiment"] == name]
        plots.say(f"**{name}**: {origin(runs)}.")
        plots.table(outline(runs))
    absent = [f"`{name}`" for name in experiments if name not in recorded]
    if absent:
        how = "`python -m kit run results/experiments/<name>.toml`"
        plots.say(f"Not run yet: {', '.join(absent)} ({how}).")


def outline(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each request and arm: text cells "mean ± sd" in per cent, seconds, seeds."""
    runs = runs.assign(arm=[_arm(run) for run in runs.to_dict("records")])
    runs = runs.assign(task=runs["task"].map(_request)).sort_values("task", kind="stable")
    several = runs["task"].nunique() > 1
    groups = runs.groupby(["task", "arm"] if several else "arm", sort=False)
    columns = {}
    for metric in results.HEADLINES:
        if metric in runs and runs[metric].notna().any():
            mean, sd = groups[metric].mean(), groups[metric].std()
            columns[metric] = [_share(m, s) for m, s in zip(mean, sd, strict=True)]
    columns["seconds"] = [f"{s:.1f}" for s in groups["seconds"].mean()]
    columns["seeds"] = groups["seed"].nunique().to_numpy()
    return pd.DataFrame(columns, groups.size().index)


def origin(runs: pd.DataFrame) -> str:
    """Data, network, device and dates."""
    source = _source(runs)
    return f"{source['data']}, {source['network']}; {source['device']}; {source['date']}"


def _all(column: pd.Series) -> str:
    return " and ".join(sorted(column.unique()))


def _range(ordered: list[str]) -> str:
    first, last = ordered[0], ordered[-1]
    return first if first == last else f"{first} to {last}"


def _arm(run: dict) -> str:
    """The method with the settings that the experiment changed, as the record is named."""
    start = f"{run['experiment']}_{run['dataset']}_{run['model']}_".replace("/", "-")
    end = f"_{run['task'].replace(':', '')}_s{run['seed']}"
    if not (run["id"].startswith(start) and run["id"].endswith(end)):  # the name was cut short
        return f"{run['method']} {run['variant']}".strip()
    arm = run["id"].removeprefix(start).removesuffix(end)
    return (
        arm.replace(f"{run['method']}_", f"{run['method']} ")
        .removesuffix(" default")
        .replace(",", ", ")
    )


def _request(task: str) -> str:
    """The request's name, of many classes only how many they are."""
    classes = task.count("+") + 1
    return f"{classes} classes" if classes > 4 else task


def _share(mean: float, sd: float) -> str:
    if pd.isna(mean):
        return ""
    return f"{100 * mean:.1f}" + ("" if pd.isna(sd) else f" ± {100 * sd:.1f}")

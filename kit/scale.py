"""``larger``: what experiments at a larger scale have found so far, at the end of a chapter."""

import pandas as pd

from kit import plots, results

METRICS = (  # in this order, where the records have them
    "retain_accuracy", "forget_accuracy", "prototype_recall", "balanced_accuracy", "flip_rate",
    "filtered_flip_rate", "retain_error", "forget_error", "test_error", "auc",
)  # fmt: skip


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
    for metric in METRICS:
        if metric in runs and runs[metric].notna().any():
            mean, sd = groups[metric].mean(), groups[metric].std()
            columns[metric] = [_share(m, s) for m, s in zip(mean, sd, strict=True)]
    columns["seconds"] = [f"{s:.1f}" for s in groups["seconds"].mean()]
    columns["seeds"] = groups["seed"].nunique().to_numpy()
    return pd.DataFrame(columns, groups.size().index)


def origin(runs: pd.DataFrame) -> str:
    """Data, network, device and dates."""
    dates = sorted({date[:10] for date in runs["date"]})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    made = (" and ".join(sorted(runs[column].unique())) for column in ("dataset", "model"))
    return f"{', '.join(made)}; {' and '.join(sorted(runs['device'].unique()))}; {when}"


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

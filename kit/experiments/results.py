"""Records: the numbers of one run with all that is needed to repeat it, one JSON file each."""

import dataclasses
import json
import math
import os
import platform
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import torch

from kit.experiments import arm
from kit.experiments.arm import record_id
from kit.methods.unlearn import Unlearned
from kit.runtime.checks import one_of
from kit.runtime.device import bf16_is_fast, device_name
from kit.runtime.files import whole
from kit.runtime.version import PACKAGE, __version__, command, commit
from kit.tasks import ForgetTask
from kit.training import Recipe

SCHEMA = 2
KEYS = {
    "schema": int, "id": str, "experiment": str, "dataset": str, "model": str, "task": str,
    "method": str, "variant": str, "config": dict, "recipe": dict, "seed": int, "metrics": dict,
    "seconds": float, "passes": dict, "peak_memory": int, "device": str, "bf16": bool,
    "versions": dict, "commit": str, "command": str, "date": str,
}  # fmt: skip
SINCE_2 = {"arm": str, "inputs": dict}  # method and changes; hashes of what it is made from
OPTIONAL = {"curves": dict}  # name -> one value an epoch
HEADLINES = (  # the metrics that a table of records shows, in this order, where they are there
    "retain_accuracy", "forget_accuracy", "prototype_recall", "balanced_accuracy", "flip_rate",
    "filtered_flip_rate", "retain_error", "forget_error", "test_error", "auc",
)  # fmt: skip


def records_root() -> Path:
    """Where new records go: ``$KIT_RECORDS``, else ``results/records`` of the repository, else, of
    an installed package, ``results/records`` in the current folder."""
    if "KIT_RECORDS" in os.environ:
        return Path(os.environ["KIT_RECORDS"])
    repository = PACKAGE.parent / "results" / "records"
    return repository if repository.is_dir() else Path.cwd() / "results" / "records"


def read_from(root: Path | None = None) -> list[Path]:
    """The folders in which records are looked for: one's own first, then those that came with an
    installed package."""
    if root is not None:
        return [root]
    return [folder for folder in (records_root(), PACKAGE / "records") if folder.is_dir()]


def make(
    out: Unlearned, task: ForgetTask, metrics: dict[str, float], *, experiment: str, model: str,
    recipe: Recipe, options: dict | None = None, request: str = "",
    inputs: dict[str, str] | None = None, curves: dict[str, list[float]] | None = None,
) -> dict:  # fmt: skip
    """The record of one run of ``kit.unlearn``.

    ``model`` is the network's name and ``recipe`` how the original was trained; ``options`` are the
    settings that the experiment changed and that give the record its name and arm; ``inputs``
    hashes of what the run is made from; ``curves`` what was seen after each epoch; ``request`` what
    the request is called, where that is not the name of the task.
    """
    config, request = _plain(out.config), request or task.name
    record = {
        "schema": SCHEMA,
        "id": record_id(
            experiment, task.data.name, model, out.method, options or {}, request, out.seed
        ),
        "experiment": experiment,
        "dataset": task.data.name,
        "model": model,
        "task": request,
        "method": out.method,
        "arm": arm.name(out.method, options or {}),
        "inputs": inputs or {},
        "variant": config.get("variant", ""),
        "config": config,
        "recipe": _plain(recipe),
        "seed": out.seed,
        "metrics": {k: _to_json(v) for k, v in metrics.items()},
        "seconds": round(out.seconds, 3),
        "passes": out.passes,
        "peak_memory": out.peak_memory,
        "device": device_name(),
        "bf16": bf16_is_fast(),
        "versions": {"kit": __version__, "torch": torch.__version__,
                     "python": platform.python_version()},
        "commit": commit(),
        "command": command(),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    if curves:
        record["curves"] = curves
    check(record)
    return record


def check(record: dict) -> None:
    """``ValueError`` if a record does not follow the schema."""
    needed = KEYS if record.get("schema") == 1 else KEYS | SINCE_2
    absent = sorted(set(needed) - set(record))
    extra = sorted(set(record) - set(needed) - set(OPTIONAL))
    if absent or extra:
        raise ValueError(f"record: keys absent {absent}, unknown {extra}")
    for key, kind in (needed | OPTIONAL).items():
        if key in record and not isinstance(record[key], kind):
            raise ValueError(f"record: {key} must be {kind.__name__}, got {record[key]!r}")
    if record["schema"] not in (1, SCHEMA):
        raise ValueError(f"record: schema {record['schema']} is neither 1 nor {SCHEMA}")


def write(record: dict, root: Path | None = None) -> Path:
    """Write a record under its id; a reader sees the whole file or none."""
    check(record)
    file = (root or records_root()) / f"{record['id']}.json"
    with whole(file) as half:
        half.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")
    return file


def load(file: Path) -> dict:
    """One record; ``ValueError`` if the file is not a valid one."""
    try:
        record = json.loads(file.read_text())
        check(record)
    except ValueError as error:
        raise ValueError(f"{file} is not a valid record: {error}") from error
    return record


def read(experiment: str | None = None, root: Path | None = None) -> pd.DataFrame:
    """All records (of one experiment) as a table, one run a row, metrics as columns.

    ``arm`` is the method with what the experiment changed (``kit.experiments.arm``), of records
    that do not carry it, too. Settings are columns named ``config.<name>``; passes are summed into
    ``forward`` and ``backward``; ``curves`` holds the accuracies after each epoch where an
    experiment took them.

    Raises
    ------
    ValueError
        a file that is not a valid record, or no record at all.
    """
    rows = table(records(experiment, root))
    if rows.empty:
        raise ValueError(
            f"there are no records{f' of experiment {experiment!r}' if experiment else ''} in "
            f"{root or records_root()}; python -m kit run makes them"
        )
    return rows


def records(experiment: str | None = None, root: Path | None = None) -> Iterator[dict]:
    """All records (of one experiment) as they are; ``ValueError`` names a file that is none."""
    named = f"{experiment}_*.json" if experiment else "*.json"
    found = {file.name: file for f in reversed(read_from(root)) for file in f.glob(named)}
    for _, file in sorted(found.items()):
        record = load(file)
        if experiment in (None, record["experiment"]):
            yield record


def table(records: Iterable[dict]) -> pd.DataFrame:
    """Records as ``read`` gives them, a row each."""
    return pd.DataFrame([_flat(record) for record in records])


def by_run(runs: pd.DataFrame, arm: str, metric: str) -> pd.Series:
    """One metric of one arm by ``task`` and ``seed``: what ``statistics.over_seeds`` takes.

    The difference of two arms pairs the runs on one request and seed.

    Raises
    ------
    ValueError
        an arm or a metric that the runs do not have.
    """
    one_of("arm", arm, runs["arm"].unique())
    one_of("metric", metric, runs.columns)
    return runs[runs["arm"] == arm].set_index(["task", "seed"])[metric].astype(float)


def metrics_of(record: dict) -> dict[str, float]:
    """The metrics of a record as floats, infinities and NaN included."""
    return {k: math.nan if v is None else float(v) for k, v in record["metrics"].items()}


def summary(table: pd.DataFrame, by: list[str], metrics: list[str]) -> pd.DataFrame:
    """Mean and standard deviation over runs: columns ``(metric, "mean" | "sd")`` and ``n``; and how
    many runs ``collapsed``, if any did."""
    groups = table.groupby(by, sort=False)
    out = groups[metrics].agg(["mean", "std"]).rename(columns={"std": "sd"}, level=1)
    out["n", ""] = groups.size()
    if table.get("collapsed", pd.Series(dtype=float)).sum():
        out["collapsed", ""] = groups["collapsed"].sum().astype(int)
    return out


def mean_sd(
    groups: pd.api.typing.DataFrameGroupBy, form: str = "{:.1f}", times: float = 100
) -> pd.DataFrame:
    """Text cells "mean ± standard deviation" of grouped columns, in per cent unless ``times`` is 1.

    Of a single run the mean alone; empty where nothing was measured.
    """
    mean, sd = times * groups.mean(), times * groups.std()

    def text(form: str):
        return lambda value: "" if pd.isna(value) else form.format(value)

    return mean.map(text(form)) + sd.map(text(f"\u00a0±\u00a0{form}"))


def _flat(record: dict) -> dict:
    row = {k: v for k, v in record.items() if not isinstance(v, dict)}
    row["arm"] = arm.of_record(record)
    row["curves"] = record.get("curves", {})
    row |= metrics_of(record)
    row |= {f"config.{k}": v for k, v in record["config"].items()}
    for way in ("forward", "backward"):
        row[way] = sum(n for kind, n in record["passes"].items() if kind.endswith(way))
    return row


def _plain(config: object) -> dict:
    """A dataclass, or a dict, as what JSON can hold."""
    plain = dataclasses.asdict(config) if dataclasses.is_dataclass(config) else config
    return json.loads(json.dumps(plain))


def _to_json(value: float) -> float | str | None:
    """JSON has neither infinity (a relearn time that was not reached) nor NaN: "inf" and null."""
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else float(value)

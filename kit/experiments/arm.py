"""The arm of a run: its method, and what the experiment changed about it.

Tables, claims and figures know a run by its arm's name: "retrain", "unsir no_noise",
"erwp bound=none, lr=0.0001".
"""

import hashlib
import re
from collections.abc import Iterator


def name(method: str, settings: dict) -> str:
    """The method, its variant if the experiment chose one, then other settings in their order."""
    said = [str(settings["variant"])] if "variant" in settings else []
    said += [f"{key}={value}" for key, value in sorted(settings.items()) if key != "variant"]
    return f"{method} {', '.join(said)}".strip()


def record_id(
    experiment: str, dataset: str, model: str, method: str, settings: dict, task: str, seed: int
) -> str:
    """The name of a run: readable, unique, and known before the run, so that it can be resumed."""
    changed = ",".join(f"{key}={value}" for key, value in sorted(settings.items()))
    parts = [
        experiment, dataset, model, method, changed or "default", task.replace(":", ""), f"s{seed}",
    ]  # fmt: skip
    whole = "_".join(parts).replace("/", "-")
    if len(whole) > 120:  # many classes make long names
        whole = f"{whole[:100]}~{hashlib.sha256(whole.encode()).hexdigest()[:8]}_s{seed}"
    return _written(whole)


def of_record(record: dict) -> str:
    """The arm that a record carries, or, for records of schema 1, the one that its name tells."""
    if "arm" in record:
        return record["arm"]
    return name(record["method"], _told(record))


def _told(record: dict) -> dict[str, str]:
    """The changed settings, read off a record's name; proven by making that name again."""
    known = [record[key] for key in ("experiment", "dataset", "model", "method")]
    start = _written("_".join(known) + "_")
    text = record["id"].removeprefix(start)
    end = _written(f"_{record['task'].replace(':', '')}_s{record['seed']}")
    for settings in _readings(text, end, record["config"]):
        if record_id(*known, settings, record["task"], record["seed"]) == record["id"]:
            return settings
    return {"name": record["id"]}  # what cannot be read is at least not mistaken for another


def _readings(text: str, end: str, config: dict) -> Iterator[dict[str, str]]:
    """What the settings can be: as they stand there, or completed where the name was cut short."""
    values = {key: str(value) for key, value in (config | config.get("recipe", {})).items()}
    kept, cut, _ = text.partition("~")
    if not cut:
        yield _pairs(kept.removesuffix(end), values)
        return
    for place in (found.start() for found in re.finditer("_", kept)):
        if end.startswith(kept[place:]):  # the request was cut
            yield _pairs(kept[:place], values)
    *whole, half = _split(kept)
    for key, value in values.items():
        if f"{key}={value}".startswith(half):
            yield _pairs(",".join(whole), values) | {key: value}


def _pairs(text: str, values: dict[str, str]) -> dict[str, str]:
    """ "a=1,b=[2,3]" as settings; a value that lost its blanks gets them back from the config."""
    if text in ("", "default"):
        return {}
    pairs = dict(pair.split("=", 1) for pair in _split(text) if "=" in pair)
    return {
        key: values[key] if _written(values.get(key, "")) == value else value
        for key, value in pairs.items()
    }


def _split(text: str) -> list[str]:
    return re.split(r",(?=\w+=|\w+$)", text)


def _written(text: str) -> str:
    """As it stands in a file's name: make takes a blank and a per cent sign for its own."""
    return text.replace(" ", "").replace("%", "pct").replace("/", "-")

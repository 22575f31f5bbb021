"""The records in the repository: whole, named by their arm, and each asked for by a file."""

import functools
import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from kit.experiments import arm, results
from kit.experiments.experiment import Experiment, settings
from kit.training.augment import Augment
from tests.conftest import ROOT

EXPERIMENTS = ROOT / "results" / "experiments"
FILES = re.compile(r"\S+\.toml")


@pytest.fixture(scope="module")
def records():
    return list(results.records())


@functools.cache
def asked(name):
    """What an experiment file asks for: arms, seeds, requests ("" for single images and features),
    recipe, network."""
    experiment = Experiment.load(EXPERIMENTS / f"{name}.toml")
    arms = {arm.name(run["method"], settings(run)) for run in experiment.runs}
    link = " then " if experiment.sequential else "+"  # in a row the order counts
    ordered = [c if experiment.sequential else sorted(c) for c in experiment.forget]
    classes = {link.join(map(str, c)) for c in ordered}
    recipe = json.loads(json.dumps(asdict(experiment.full_recipe)))
    return arms, set(experiment.seeds), classes, recipe, experiment.network[0]


def test_all_can_be_read_and_have_an_arm(records):
    table = results.table(records)
    assert len(table) >= 2027 and table["arm"].str.len().gt(0).all()
    assert (table["arm"].str.split().str[0] == table["method"]).all()


def test_each_run_is_asked_for_by_its_experiment_file(records):
    for record in records:
        arms, seeds, classes, recipe, network = asked(record["experiment"])
        request = record["task"].removeprefix("class:") if "class:" in record["task"] else ""
        assert arm.of_record(record) in arms, record["id"]
        assert record["seed"] in seeds and request in classes, record["id"]
        # A setting that was added later has its default, which changes nothing.
        augment = asdict(Augment()) | record["recipe"]["augment"]
        assert record["recipe"] | {"augment": augment} == recipe, record["id"]
        assert record["model"] == network, record["id"]


def test_each_command_names_files_of_the_repository(records):
    for record in records:
        if record["command"].startswith("not repeatable:"):
            continue
        named = FILES.findall(record["command"])
        assert named, record["id"]
        places = [(ROOT / file).resolve() for file in named]
        assert all(p.exists() and p.is_relative_to(ROOT) for p in places), record["id"]
        assert not any(Path(file).is_absolute() for file in named), record["id"]

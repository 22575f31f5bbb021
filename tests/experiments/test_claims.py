"""The scorecard: verdicts follow from records by rule, and change when a record does."""

import json
import math
import shutil
import tomllib
from pathlib import Path

import pytest

from kit.experiments import arm, claims, results
from kit.experiments.claims import Claim
from kit.experiments.experiment import Experiment, settings
from tests.conftest import ROOT

EXPERIMENTS = ROOT / "results" / "experiments"


CLAIM = """
[[claim]]
id = "speed"
paper = "x"
text = "Faster than retraining"
source = "abstract"
claimed = 10.0
tolerance = 2.0
unit = "x"
experiment = "toy"
ours = "finetune"
theirs = "retrain"
compare = "inverse ratio"
metric = "seconds"
"""


@pytest.fixture
def root(tmp_path):
    """Records of two arms and three seeds; retraining takes ten times as long."""
    some = json.loads(next(results.records_root().glob("unsir_fashion*")).read_text())
    for method, seconds in (("finetune", 1.0), ("retrain", 10.0)):
        for seed in range(3):
            run = results.record_id("toy", "d", "m", method, {}, "class:1", seed)
            record = some | {"schema": 2, "inputs": {}, "arm": method,
                             "id": run, "experiment": "toy", "task": "class:1", "method": method,
                             "seed": seed, "seconds": seconds * (1 + 0.01 * seed)}  # fmt: skip
            results.write(record, tmp_path / "records")
    (tmp_path / "claims.toml").write_text(CLAIM)
    return tmp_path


def score(root):
    return claims.scorecard(root / "records", root / "claims.toml").iloc[0]


def change(root, method, seed, **changes):
    (file,) = (root / "records").glob(f"*_{method}_*_s{seed}.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_claim_in_its_band_is_reproduced(root):
    row = score(root)
    assert row["mean"] == pytest.approx(10) and row["seeds"] == 3
    assert row["verdict"] == "reproduced"


def test_changing_a_record_changes_the_verdict(root):
    change(root, "retrain", 0, seconds=12.0)
    assert score(root)["verdict"] == "partly"  # the mean is in the band, the interval leaves it
    for seed in range(3):
        change(root, "retrain", seed, seconds=2.0 + 0.01 * seed)
    assert score(root)["verdict"] == "not reproduced"


def test_one_seed_is_not_enough_and_none_is_not_run(root):
    for seed in (1, 2):
        change(root, "finetune", seed, experiment="other")
    assert score(root)["verdict"] == "partly" and math.isnan(score(root)["low"])
    change(root, "finetune", 0, experiment="other")
    row = score(root)
    assert row["verdict"] == "not run" and math.isnan(row["mean"]) and row["seeds"] == 0


@pytest.mark.parametrize(
    "rule, value, verdict",
    [
        ("near", 12.5, "not reproduced"), ("near", 7.5, "not reproduced"),
        ("at least", 50.0, "reproduced"), ("at least", 7.5, "not reproduced"),
        ("at most", 1.0, "reproduced"), ("at most", 12.5, "not reproduced"),
    ],
)  # fmt: skip
def test_rules(root, rule, value, verdict):
    file = root / "claims.toml"
    file.write_text(CLAIM + f'rule = "{rule}"\n')
    for seed in range(3):
        change(root, "finetune", seed, seconds=1.0)
        change(root, "retrain", seed, seconds=value)
    assert score(root)["verdict"] == verdict


def test_a_number_of_another_setting_is_measured_but_not_judged(root):
    file = root / "claims.toml"
    file.write_text(CLAIM + 'scale = "a toy"\nelsewhere = true\n')
    assert score(root)["verdict"] == "elsewhere" and score(root)["seeds"] == 3


def test_one_request_of_several_counts(root):
    file = root / "claims.toml"
    file.write_text(CLAIM + 'request = "class:7"\n')
    assert score(root)["verdict"] == "not run"
    file.write_text(CLAIM + 'request = "class:1"\n')
    assert score(root)["seeds"] == 3


def test_epochs_are_read_off_the_curves(root):
    file = root / "claims.toml"
    file.write_text(CLAIM.replace('"seconds"', '"epochs_to_original"').replace("10.0", "3.0"))
    for seed in range(3):
        change(root, "finetune", seed, curves={"retain_accuracy": [0.9]})
        change(root, "retrain", seed, curves={"retain_accuracy": [0.1, 0.5, 0.85, 0.9]})
        run = results.record_id("toy", "d", "m", "original", {}, "class:1", seed)
        (source,) = (root / "records").glob(f"*_retrain_*_s{seed}.json")
        record = json.loads(source.read_text())
        record |= {"id": run, "method": "original", "arm": "original", "curves": {}}
        record["metrics"] |= {"retain_accuracy": 0.85}
        results.write(record, root / "records")
    assert score(root)["mean"] == 3 and score(root)["verdict"] == "reproduced"
    file.write_text(file.read_text().replace('"toy"', '"nobody ran it"'))
    assert score(root)["verdict"] == "not run"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"rule": "about"}, "rule must be"),
        ({"compare": "ratio"}, "do not fit together"),
        ({"experiment": "x"}, "come together"),
        ({"elsewhere": True}, "elsewhere needs"),
    ],
)
def test_claims_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        Claim(**{"id": "a", "paper": "", "text": "", "source": "", "claimed": 1.0} | changes)


def test_a_claim_twice_is_refused(root):
    file = root / "claims.toml"
    file.write_text(CLAIM + CLAIM)
    with pytest.raises(ValueError, match="'speed'"):
        claims.load(file)


def test_values_as_the_page_prints_them():
    assert claims.show_value(0.0625, "%") == "6.2 %"
    assert claims.show_value(-0.04, "points") == "-4.0 points"
    assert claims.show_value(154.0, "x") == "154 x" and claims.show_value(math.nan, "x") == "–"


def test_the_papers_claims_are_complete():
    """Each names its source; what can be run names runs that exist, the rest what it needs."""
    found = claims.load()
    bib = (ROOT / "book" / "references.bib").read_text()
    assert len({claim.paper for claim in found}) == 5
    for claim in found:
        assert claim.source and f"{{{claim.paper}," in bib
        if not claim.experiment:
            assert claim.why, f"{claim.id} is not run and does not say what it needs"
            continue
        assert claim.scale, f"{claim.id} does not say what was run"
        experiment = Experiment.load(EXPERIMENTS / f"{claim.experiment}.toml")
        arms = {arm.name(run["method"], settings(run)) for run in experiment.runs}
        assert {claim.ours, claim.theirs} - {""} <= arms, f"{claim.id}: no such arm in {arms}"


def test_all_that_can_be_judged_is():
    """With a wrong name for an arm, a claim that has its records would read "not run"."""
    recorded = {p.name for p in results.records_root().glob("*.json")}
    table = results.read()
    for claim in claims.load():
        if any(name.startswith(f"{claim.experiment}_") for name in recorded if claim.experiment):
            assert claims.judge(claim, table).seeds > 0, claim.id


def test_the_package_carries_the_claims(tmp_path):
    copy = shutil.copy(claims.FILE, tmp_path / "claims.toml")
    assert tomllib.loads(Path(copy).read_text())["claim"]

"""The scorecard: verdicts follow from records by rule, and change when a record does."""

import json
import math
import shutil
import tomllib
from pathlib import Path

import pandas as pd
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


def with_curves(root, metric, *, finetune, retrain):
    """The claim by epochs; the original's retain accuracy is 0.85."""
    file = root / "claims.toml"
    file.write_text(CLAIM.replace('"seconds"', f'"{metric}"').replace("10.0", "3.0"))
    for seed in range(3):
        change(root, "finetune", seed, curves={"retain_accuracy": finetune})
        change(root, "retrain", seed, curves={"retain_accuracy": retrain})
        run = results.record_id("toy", "d", "m", "original", {}, "class:1", seed)
        (source,) = (root / "records").glob(f"*_retrain_*_s{seed}.json")
        record = json.loads(source.read_text())
        record |= {"id": run, "method": "original", "arm": "original", "curves": {}}
        record["metrics"] |= {"retain_accuracy": 0.85}
        results.write(record, root / "records")


FIRST, GOOD = "epochs_to_original", "epochs_to_original_for_good"


@pytest.mark.parametrize(
    "metric, finetune, retrain, speed_up",
    [
        (FIRST, [0.9], [0.1, 0.5, 0.85, 0.9], 3),
        (FIRST, [0.9], [0.1, 0.85, 0.5, 0.9], 2),
        (GOOD, [0.9], [0.1, 0.85, 0.5, 0.9], 4),
        (GOOD, [0.9, 0.9], [0.9, 0.9], 1),  # at the goal from the first epoch on
        (FIRST, [0.9], [0.1, 0.1], 2),  # never there: all its epochs, so at least this much
        (FIRST, [0.1], [0.9], 0),  # ours never is: no speed-up at all
    ],
)
def test_epochs_are_read_off_the_curves(root, metric, finetune, retrain, speed_up):
    with_curves(root, metric, finetune=finetune, retrain=retrain)
    assert score(root)["mean"] == pytest.approx(speed_up) and score(root)["seeds"] == 3


def test_epochs_of_an_experiment_that_nobody_ran(root):
    with_curves(root, FIRST, finetune=[0.9], retrain=[0.9])
    file = root / "claims.toml"
    file.write_text(file.read_text().replace('"toy"', '"nobody ran it"'))
    assert score(root)["verdict"] == "not run"


def test_epochs_to_a_goal():
    for curve, first, good in (
        ([0.9, 0.9], 1, 1), ([0.5, 0.9], 2, 2), ([0.9, 0.5, 0.9], 1, 3),
        ([0.9, 0.5], 1, math.inf), ([0.5], math.inf, math.inf), ([], math.inf, math.inf),
    ):  # fmt: skip
        assert claims.epochs_to(curve, 0.9) == first
        assert claims.epochs_to(curve, 0.9, for_good=True) == good


def test_a_seed_without_the_number_is_not_silent(root):
    (file,) = (root / "records").glob("*_finetune_*_s0.json")
    record = json.loads(file.read_text())
    record["metrics"] |= {"forget_accuracy": None}
    file.write_text(json.dumps(record))
    for line in ("theirs", "compare"):
        text = (root / "claims.toml").read_text()
        kept = [row for row in text.splitlines() if not row.startswith(f"{line} = ")]
        (root / "claims.toml").write_text("\n".join(kept))
    text = (root / "claims.toml").read_text().replace('"seconds"', '"forget_accuracy"')
    (root / "claims.toml").write_text(text)
    assert score(root)["seeds"] == 2 and score(root)["ran"] == 3


@pytest.mark.parametrize("without", ["a number", "a record"])
def test_a_seed_counts_with_all_its_requests(root, without):
    text = CLAIM.replace('"seconds"', '"forget_accuracy"').replace('theirs = "retrain"\n', "")
    (root / "claims.toml").write_text(text.replace('compare = "inverse ratio"\n', ""))
    for seed in range(3):
        (file,) = (root / "records").glob(f"*_finetune_*_s{seed}.json")
        for request, value in (("class:1", 0.1), ("class:2", 0.3 if seed < 2 else None)):
            if (seed, request, without) == (2, "class:2", "a record"):
                continue
            run = results.record_id("toy", "d", "m", "finetune", {}, request, seed)
            record = json.loads(file.read_text()) | {"id": run, "task": request}
            record["metrics"] = {"forget_accuracy": value}
            results.write(record, root / "records")
    row = score(root)
    assert row["mean"] == pytest.approx(0.2) and row["seeds"] == 2 and row["ran"] == 3


def test_their_number_may_stand_in_another_column(root):
    for method, column in (("finetune", "filtered_balanced_accuracy"), ("retrain", "balanced")):
        for seed in range(3):
            (file,) = (root / "records").glob(f"*_{method}_*_s{seed}.json")
            record = json.loads(file.read_text())
            record["metrics"] = {column: 0.8 if method == "finetune" else 0.9}
            file.write_text(json.dumps(record))
    text = CLAIM.replace("seconds", "filtered_balanced_accuracy").replace("inverse ratio", "ratio")
    (root / "claims.toml").write_text(text + 'theirs_metric = "balanced"\n')
    assert score(root)["mean"] == pytest.approx(8 / 9)


def test_the_bars_of_one_figure_are_one_statement(root):
    bars = "".join(
        CLAIM.replace('"speed"', f'"bar-{n}"').replace("10.0", claimed)
        + f'statement = "figure"\ncounted = {counted}\n'
        for n, (claimed, counted) in enumerate(
            [("10.0", "true"), ("99.0", "true"), ("10.0", "false")]
        )
    )
    (root / "claims.toml").write_text(bars + CLAIM)
    card = claims.scorecard(root / "records", root / "claims.toml")
    assert list(card["verdict"]) == ["reproduced", "not reproduced", "reproduced", "reproduced"]
    assert claims.statements(card)["verdict"].to_dict() == {
        "figure": "partly", "speed": "reproduced",
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"rule": "about"}, "rule must be"),
        ({"compare": "ratio"}, "do not fit together"),
        ({"experiment": "x"}, "come together"),
        ({"elsewhere": True}, "elsewhere needs"),
        ({"read": "hearsay"}, "read must be one of"),
        ({"margin": "yours"}, "margin must be one of"),
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
    assert claims.show_value(1875.0, "times") == "1,875 times"
    assert claims.show_value(0.506, "% of the maximum") == "51 % of the maximum"
    assert claims.show_value(-0.0001, "points") == "0.0 points"


def test_bands_and_intervals_as_the_page_prints_them():
    def claimed(**changes):
        given = {"id": "a", "paper": "", "text": "", "source": "", "claimed": 0.0}
        return claims.show_claimed(Claim(**given | changes))

    assert claimed(tolerance=0.01) == "0.0 % ± 1.0 points"
    loss = claimed(tolerance=0.02, rule="at least", unit="points")
    assert loss == "0.0 points, at least -2.0 points"
    assert claimed(claimed=0.55, rule="at most") == "at most 55.0 %"
    assert claimed(claimed=154.0, tolerance=54.0, unit="times") == "154 times ± 54 times"
    found = claims.Measured(2.13, 1.68, 2.58, 5, 5, "elsewhere")
    assert claims.show_measured(found, "times") == "2.13 times (1.68 to 2.58)"
    once = claims.Measured(0.5, math.nan, math.nan, 1, 1, "partly")
    assert claims.show_measured(once, "%") == "50.0 %"


def test_the_papers_claims_are_complete():
    """Each names its source; what can be run names runs that exist, the rest what it needs."""
    found = claims.load()
    bib = (ROOT / "book" / "references.bib").read_text()
    assert len({claim.paper for claim in found}) == 5
    for claim in found:
        assert claim.source and f"{{{claim.paper}," in bib
        assert claim.read in claims.READ, f"{claim.id} does not say how it was read"
        assert claim.about in claims.ABOUT, f"{claim.id} does not say what it is about"
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


@pytest.mark.parametrize(
    "compare, claimed", [("difference", 0.4), ("ratio", 2.0), ("inverse ratio", 0.5)]
)
def test_two_arms_are_compared_seed_by_seed(compare, claimed):
    """Two requests of three seeds: ours is twice theirs, which is 0.4 on average."""
    records = pd.DataFrame(
        {"experiment": "toy", "task": task, "seed": seed, "arm": arm, "method": arm,
         "score": factor * (0.3 + 0.1 * seed + 0.02 * sign)}
        for task, sign in (("class:1", 1), ("class:2", -1)) for seed in range(3)
        for arm, factor in (("ours", 2), ("theirs", 1))
    )  # fmt: skip
    claim = Claim(
        id="a", paper="", text="", source="", claimed=claimed, tolerance=0.01, experiment="toy",
        ours="ours", theirs="theirs", compare=compare, metric="score",
    )  # fmt: skip
    found = claims.judge(claim, records)
    assert found.mean == pytest.approx(claimed)
    assert found.seeds == 3  # of six runs
    if compare == "difference":  # 0.3, 0.4, 0.5
        half = 4.30265 * 0.1 / 3**0.5  # Student's t with two degrees of freedom
        assert (found.low, found.high) == pytest.approx((0.4 - half, 0.4 + half), abs=1e-5)


def test_like_claims_have_one_rule():
    """A speed-up is a quotient of schedules: never judged by those of another setting."""
    for claim in claims.load():
        if claim.metric in ("seconds", "backward", *claims.EPOCHS):
            assert claim.elsewhere, claim.id
        if claim.paper != "golatkar2021mixed" and claim.unit == "%" and claim.claimed > 0.05:
            judged = claim.experiment and not claim.elsewhere
            assert not judged or claim.margin == "ours", f"{claim.id}: a number of their setting"


def test_no_abstract_is_made_to_say_what_it_does_not():
    """What the sheets of the papers found: no word of speed, of 0 % or of 200 times in these."""
    found = {claim.id: claim for claim in claims.load()}
    in_abstract = {name for name, claim in found.items() if claim.read == "abstract"}
    assert not {name for name in in_abstract if name.startswith("pruning") and "forget" in name}
    assert found["feature-speed"].read == "summary"
    assert found["erwp-speed"].read == found["erwp-finetune"].read == "earlier abstract"
    assert {"pruning-retain", "pruning-speed-resnet-cifar10", "erwp-forget"} <= in_abstract
    assert found["pruning-retain"].theirs == "retrain"  # "compared to retraining"


def test_the_balanced_accuracy_of_the_feature_chapter_is_that_behind_the_filter():
    (task,) = (claim for claim in claims.load() if claim.id == "feature-task")
    assert task.metric == "filtered_balanced_accuracy" and "behind the filter" in task.text
    found = claims.judge(task, results.read())
    assert found.verdict == "reproduced" and abs(found.mean) < 0.01


def test_what_cannot_fail_or_is_inferred_is_in_no_count():
    found = claims.load()
    inferred = {claim.id for claim in found if claim.read == "inferred"}
    left_out = {claim.id for claim in found if not claim.counted}
    assert left_out == inferred | {"mixed-relearn-original", "mixed-passes"}


def test_a_sentence_or_figure_is_one_statement():
    found = claims.load()
    groups = {}
    for claim in found:
        groups.setdefault(claim.statement or claim.id, []).append(claim.id)
    assert len(groups["pruning-retain"]) == len(groups["erwp-finetune"]) == 3
    assert groups["pruning-speed-resnet-cifar10"][1:] == ["pruning-speed-resnet-cifar10-for-good"]
    assert len(groups["mixed-figure-3"]) == 25 and len(groups["mixed-figures-2-4-5"]) == 57
    shown = claims.statements(claims.scorecard())
    assert shown.loc["erwp-finetune", "verdict"] == "partly"  # its requests disagree


def test_numbers_in_millions():
    """A paper's axis in millions of nats, our records in nats."""
    records = pd.DataFrame(
        {"experiment": "toy", "task": "sample:20", "seed": [0], "arm": "ours", "method": "ours",
         "oracle_nats": [3.5e6]}
    )  # fmt: skip
    claim = Claim(
        id="a", paper="", text="", source="", claimed=3.0, tolerance=1.0, unit="Mnats",
        experiment="toy", ours="ours", metric="oracle_nats",
    )  # fmt: skip
    found = claims.judge(claim, records)
    assert found.mean == pytest.approx(3.5) and claims.show_measured(found, "Mnats") == "3.5 Mnats"

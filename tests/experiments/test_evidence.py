"""What the records say beside retraining: hand-made runs with known differences, and real ones."""

import numpy as np
import pandas as pd
import pytest

from kit.experiments import results
from kit.experiments.evidence import evidence

RECIPE = {"epochs": 4}


def run(method, seed, retain, forget, inside, *, passes=100, **more):
    return {
        "experiment": "made", "dataset": "toys", "model": "net", "task": "class:1",
        "method": method, "arm": method, "seed": seed, "retain_accuracy": retain,
        "forget_accuracy": forget, "prototype_recall": inside, "forward": passes,
        "backward": passes, "config.recipe": RECIPE, **more,
    }  # fmt: skip


RUNS = [
    run("original", 0, 0.9, 0.9, 0.9, passes=400, relearn_steps=0),
    run("original", 1, 0.9, 0.9, 0.8, passes=400, relearn_steps=0),
    run("retrain", 0, 0.90, 0.0, 0.5, passes=320, relearn_steps=10),
    run("retrain", 1, 0.86, 0.0, 0.4, passes=320, relearn_steps=20),
    run("scrub", 0, 0.80, 0.0, 0.6, passes=160, relearn_steps=5),
    run("scrub", 1, 0.56, 0.1, 0.4, passes=160, relearn_steps=5),
    run("logit_mask", 0, 0.9, 0.0, 0.9, passes=0, relearn_steps=float("inf")),
    run("logit_mask", 1, 0.9, 0.0, 0.8, passes=0, relearn_steps=float("inf")),
]


@pytest.fixture
def made(monkeypatch):
    def put(runs):
        monkeypatch.setattr(results, "read", lambda name: pd.DataFrame(runs))

    put(RUNS)
    return put


def test_the_gap_is_the_largest_distance_to_the_retrained_network_of_the_same_seed(made):
    row = evidence("class", records="made").loc["scrub"]
    assert row["gap"] == pytest.approx((0.1 + 0.3) / 2)  # retain and features tie; retain
    assert row["retain"] == pytest.approx((-0.1 - 0.3) / 2)
    assert row["forget"] == pytest.approx(0.05)
    assert row["features"] == pytest.approx(0.05)
    half = 12.706 * 0.2 / 2  # Student's t of one degree of freedom, standard error (0.3 - 0.1) / 2
    assert row["gap_high"] - row["gap"] == pytest.approx(half, rel=1e-4)
    assert row["relearning"] == pytest.approx((0.5 + 0.25) / 2)


def test_a_retrained_network_is_compared_with_that_of_the_next_seed(made):
    row = evidence("class", records="made").loc["retrain"]
    assert row["gap"] == pytest.approx(0.1)  # features: 0.5 and 0.4
    assert row["retain"] == pytest.approx(0)


def test_costs_are_in_epochs_on_the_training_set_and_beside_retraining(made):
    table = evidence("class", records="made")
    assert table["images"]["scrub"] == 100  # 400 forward passes in 4 epochs
    assert table["passes"]["scrub"] == pytest.approx(1.6)  # 160 + 160 of 200 an epoch
    assert table["cost"]["scrub"] == pytest.approx(0.5)
    assert table["passes"]["retrain"] == pytest.approx(3.2)


def test_a_run_below_four_fifths_of_retraining_has_collapsed(made):
    table = evidence("class", records="made")
    assert (table["collapsed"]["scrub"], table["runs"]["scrub"]) == (1, 2)  # 0.56 < 0.8 * 0.86


def test_a_method_that_reads_as_the_original_inside_left_it_untouched(made):
    table = evidence("class", records="made")
    assert table["untouched"].to_dict() == {"retrain": False, "scrub": False, "logit_mask": True}
    assert np.isinf(table["relearning"]["logit_mask"])
    made([r | {"prototype_recall": 0.9} if r["method"] == "scrub" else r for r in RUNS])
    assert not evidence("class", records="made")["untouched"]["scrub"]  # in one run of two


def test_what_filters_images_is_judged_behind_its_filter(made):
    made([r | {"filtered_retain_accuracy": 0.9 if r["method"] == "scrub" else np.nan}
          for r in RUNS])  # fmt: skip
    table = evidence("class", records="made")
    assert table["retain"]["scrub"] == pytest.approx((0.0 + 0.04) / 2)
    assert table["retain"]["logit_mask"] == pytest.approx((0.0 + 0.04) / 2)


def test_one_seed_has_no_interval(made):
    made([r for r in RUNS if r["method"] != "scrub" or r["seed"] == 0])
    row = evidence("class", records="made").loc["scrub"]
    assert row["gap"] == pytest.approx(0.1) and np.isnan(row["gap_low"])


def test_one_retrained_network_is_not_compared_with_itself(made):
    made([r for r in RUNS if r["seed"] == 0])
    row = evidence("class", records="made").loc["retrain"]
    assert np.isnan(row["gap"]) and row["collapsed"] == 0


def test_a_method_is_taken_as_it_is_where_that_was_run(made):
    other = [r | {"arm": "scrub alpha=9", "retain_accuracy": 0.1} for r in RUNS[4:6]]
    made(other + RUNS)
    assert evidence("class", records="made")["retain"]["scrub"] == pytest.approx(-0.2)


@pytest.mark.parametrize("absent", ["retrain", "original"])
def test_an_experiment_without_a_reference_is_refused(made, absent):
    made([r for r in RUNS if r["method"] != absent])
    with pytest.raises(ValueError, match="name another experiment"):
        evidence("class", records="made")


def test_an_experiment_of_another_level_is_refused():
    with pytest.raises(ValueError, match="comparison_samples has not measured prototype_recall"):
        evidence("class", records="comparison_samples")


def test_the_experiment_nearest_in_size_is_read():
    near = {n: evidence("class", n)["experiment"]["retrain"] for n in (200, 9000, 60_000)}
    assert near == {200: "comparison_imagewoof", 9000: "comparison", 60_000: "laptop_comparison"}


def test_a_method_that_one_experiment_lacks_is_looked_up_in_the_others():
    table = evidence("feature")
    assert table["experiment"]["feature_sensitivity"] == "feature_glyph"
    assert table["experiment"]["feature_filter"] == "feature_mark"


def test_collapse_is_what_the_records_say():
    every = pd.concat(
        results.read(name)
        for name in ("comparison", "comparison_cifar10", "comparison_imagewoof",
                     "laptop_comparison")
    ).groupby("method")["collapsed"].sum()  # fmt: skip
    table = evidence("class").drop(index="retrain")
    assert table["collapsed"].to_dict() == every[table.index].astype(int).to_dict()

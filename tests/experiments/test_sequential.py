"""Experiments with requests in a row."""

import dataclasses

import pytest

from kit.experiments import results
from kit.experiments import run as experiments

ROW = {"forget": [[1, 0]], "sequential": True, "seeds": [0]}


def test_each_request_is_put_to_what_the_last_one_left(experiment, tmp_path):
    asked = dataclasses.replace(experiment, **ROW)
    experiments.run(asked, tmp_path)
    table = results.read("toy", tmp_path).set_index("method")
    assert set(table["task"]) == {"class:1 then 0"}
    curves = table["curves"]
    assert set(curves["finetune"]) == {
        "retain_accuracy", "passes", "forget_accuracy 1", "prototype_recall 1",
        "forget_accuracy 0", "prototype_recall 0",
    }  # fmt: skip
    assert all(len(values) == 2 for row in curves for values in row.values())
    for name in ("logit_mask", "retrain"):  # what was masked stays so, what is gone is not seen
        assert curves[name]["forget_accuracy 1"] == [0, 0]
        assert curves[name]["forget_accuracy 0"][1] == 0
    first = [curves[name]["forget_accuracy 0"][0] for name in ("logit_mask", "original")]
    assert first[0] >= first[1]  # not asked for yet, and one rival less
    assert len(set(curves["original"]["prototype_recall 1"])) == 1
    assert table.loc["finetune", "retain_accuracy"] == curves["finetune"]["retain_accuracy"][-1]


def test_the_cost_is_that_of_all_requests(experiment, tmp_path):
    experiments.run(dataclasses.replace(experiment, **ROW), tmp_path)
    table = results.read("toy", tmp_path).set_index("method")
    for name in ("finetune", "retrain"):
        first, second = table.loc[name, "curves"]["passes"]
        assert first > second > 0  # fewer images are left
        assert table.loc[name, ["forward", "backward"]].sum() == first + second
    once = table.loc["original", "curves"]["passes"][0]
    assert table.loc["original", ["forward", "backward"]].sum() == once


def test_another_order_is_another_request(experiment, tmp_path):
    asked = dataclasses.replace(
        experiment, **ROW | {"forget": [[1, 0], [0, 1]]}, arms=[{"method": "logit_mask"}]
    )
    assert experiments.run(asked, tmp_path) == 2
    assert experiments.run(asked, tmp_path) == 0  # both are recorded


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"forget": [[1, 1]]}, "forgotten already"),
        ({"forget": [[]]}, "classes is empty"),
        ({"arms": [{"method": "untrained"}]}, "untrained serves no requests in a row"),
        ({"samples": 0.1}, "samples are not for an experiment with sequential"),
        ({"feature": {"kind": "glyph"}}, "one table of"),
    ],
)
def test_what_cannot_be_asked_in_a_row(changes, said, experiment, tmp_path):
    with pytest.raises(ValueError, match=said):
        experiments.run(dataclasses.replace(experiment, **ROW | changes), tmp_path)


def test_a_lone_seed_has_no_other_retrained_network(experiment, tmp_path):
    experiments.run(dataclasses.replace(experiment, **ROW), tmp_path)
    row = results.read("toy", tmp_path).set_index("method").loc["retrain"]
    assert "forget_agreement" not in row.dropna()

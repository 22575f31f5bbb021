"""Experiments with a federation."""

import dataclasses

import pytest

from kit.experiments import results
from kit.experiments import run as experiments


def test_federated_experiments(experiment, tmp_path):
    arms = [{"method": "original"}, {"method": "retrain"}, {"method": "class_pruning"}]
    asked = dataclasses.replace(
        experiment, forget=[[1]], seeds=[0], arms=arms,
        federation={"clients": 3, "rounds": 2, "tuning_rounds": 1, "plan": {"lr": 0.02}},
    )  # fmt: skip
    experiments.run(asked, tmp_path)
    table = results.read("toy", tmp_path).set_index("method")
    assert [
        len(c["retain_accuracy"]) for c in table.loc[["original", "class_pruning"], "curves"]
    ] == [2, 1]
    assert table.loc["class_pruning", "backward"] == 180  # the original's rounds are not its cost
    assert table.loc["retrain", "backward"] == 2 * 180
    with pytest.raises(ValueError, match="no method 'unsir'"):
        experiments.run(dataclasses.replace(asked, arms=[{"method": "unsir"}]), tmp_path)

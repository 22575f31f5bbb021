"""Experiments with one network: curves and short retrainings."""

import dataclasses

import pytest

from kit.experiments import results
from kit.experiments import run as experiments


def test_curves_and_short_retraining(experiment, tmp_path):
    asked = dataclasses.replace(
        experiment, forget=[[1]], seeds=[0], curves=True, recipe={"epochs": 2, "augment": {}},
        arms=[{"method": "original"}, {"method": "retrain"}, {"method": "retrain", "epochs": 1},
              {"method": "finetune", "epochs": 3}, {"method": "logit_mask"}],
    )  # fmt: skip
    experiments.run(asked, tmp_path)
    table = results.read("toy", tmp_path)
    lengths = [len(c.get("retain_accuracy", [])) for c in table["curves"]]
    assert dict(zip(table["id"], lengths, strict=True)) == {
        "toy_toy_resnet8_original_default_class1_s0": 2,
        "toy_toy_resnet8_retrain_default_class1_s0": 2,
        "toy_toy_resnet8_retrain_epochs=1_class1_s0": 1,
        "toy_toy_resnet8_finetune_epochs=3_class1_s0": 3,
        "toy_toy_resnet8_logit_mask_default_class1_s0": 0,
    }
    for _, row in table[table["method"] != "logit_mask"].iterrows():
        assert row["curves"]["retain_accuracy"][-1] == pytest.approx(row["retain_accuracy"])
        assert row["curves"]["forget_accuracy"][-1] == pytest.approx(row["forget_accuracy"])
    alone = table[table["id"].str.contains("retrain_default")].iloc[0]
    assert "distance_reference" not in alone.dropna()  # there is no other seed to compare with

"""Experiments that forget a feature."""

import dataclasses

from kit.experiments import results
from kit.experiments import run as experiments


def test_feature_experiments(experiment, tmp_path):
    arms = [{"method": name} for name in ("original", "retrain", "clean", "untrained")]
    arms += [{"method": "feature_sensitivity"}, {"method": "feature_adversarial", "epochs": 1}]
    asked = dataclasses.replace(
        experiment, forget=[[]], seeds=[0], arms=arms, model={"name": "cnn", "width": 4},
        recipe={"epochs": 1, "augment": {}},
        feature={"attribute": ["glyph", "tint"], "images": 200, "common": [0, 1]},
    )  # fmt: skip
    assert experiments.run(asked, tmp_path) == 6 and experiments.run(asked, tmp_path) == 0
    table = results.read("toy", tmp_path).set_index("method")
    assert set(table["task"]) == {"feature:glyph+tint"}
    assert table["glyph_flip_rate"].between(0, 1).all()
    filtered = table["tint_filtered_flip_rate"]
    assert filtered.notna().sum() == 1 and filtered["feature_adversarial"] <= 1
    assert table.loc["untrained", "seconds"] == 0 < table.loc["clean", "seconds"]

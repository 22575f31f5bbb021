"""Experiments by shadow models."""

import dataclasses

import pytest

from kit.experiments import results
from kit.experiments import run as experiments


@pytest.mark.slow
def test_experiments_by_shadow_models(experiment, tmp_path):
    """Both layouts; what was done before an error is kept, and bad settings are named."""
    root = tmp_path / "records"
    shadowed = dataclasses.replace(
        experiment, seeds=[0], forget=[[1], []], model={"name": "lenet", "width": 4},
        arms=[{"method": "original"}, {"method": "finetune", "epochs": 1}],
        recipe={"epochs": 1}, shadows={"layout": "halves", "count": 6, "per_class": 60},
    )  # fmt: skip
    with pytest.raises(ValueError, match="quarter of the targets"):  # the toy is too small for []
        experiments.run(shadowed, root)
    by_class = dataclasses.replace(shadowed, forget=[[1]])
    assert experiments.run(by_class, root) == 0  # its runs came first and are kept
    repeats = {"layout": "repeats", "count": 4, "per_class": 20}
    arms = [{"method": "retrain"}, {"method": "logit_mask"}]
    again = dataclasses.replace(by_class, name="spread", arms=arms, shadows=repeats)
    assert experiments.run(again, root) == 2
    attacks, spreads = results.read("toy", root), results.read("spread", root)
    assert (attacks["auc_low"] <= attacks["auc"]).all() and (attacks["shadows"] == 6).all()
    assert attacks.set_index("method").loc["finetune", "config.epochs"] == 1
    assert {"klom_median", "klom_median_null", "forgetting_score"} <= set(spreads)
    with pytest.raises(ValueError, match="layout"):
        experiments.run(dataclasses.replace(again, name="x", shadows={"layout": "rows"}), root)

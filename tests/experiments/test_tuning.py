"""Tuning by one criterion."""

import json

import pandas as pd

import kit
from kit.experiments import results, tuning


def test_trials_are_as_many_for_every_method():
    arm = {"method": "ssd"}
    drawn = tuning.trials(arm, 8)
    assert len(drawn) == 8 and drawn == tuning.trials(arm, 8)
    assert len({json.dumps(d, sort_keys=True) for d in drawn}) == 8
    assert tuning.trials(arm, 0) == [arm]
    assert tuning.trials({"method": "original"}, 8) == [{"method": "original"}]
    assert tuning.trials({"method": "logit_mask"}, 8) == [{"method": "logit_mask"}]
    for name in kit.methods.names("class"):
        for trial in tuning.trials({"method": name}, 8):
            kit.methods.get(name).configure(**{k: v for k, v in trial.items() if k != "method"})


def test_the_smallest_gap_wins_among_those_that_stand():
    records = pd.DataFrame(
        {"method": ["ssd"] * 3, "collapsed": [0.0, 0.0, 1.0], "average_gap": [0.2, 0.1, 0.0],
         "config.alpha": [2.0, 3.0, 5.0], "config.dampening": [0.1, 1.0, 1.0]}
    )  # fmt: skip
    assert tuning.best(records) == {"ssd": {"alpha": 3, "dampening": 1}}
    records["collapsed"] = 1.0
    assert tuning.best(records)["ssd"]["alpha"] == 5


def test_defaults_are_what_the_tuning_found():
    """Of the alternatives; the five papers' methods have defaults from their own chapters."""
    own = {"unsir", "erwp", "class_pruning", "finetune"}
    found = tuning.best(results.read("tuning"))
    for name in set(found) - own:
        default = vars(kit.methods.get(name).config())
        assert {key: default[key] for key in found[name]} == found[name], name

"""All audits of a feature."""

import copy
import math

import pytest
from torch import nn

import kit
from kit.parts.filters import make_remover
from tests.conftest import changed


def test_evaluate_leaves_the_model(feature_original, feature_task):
    before = copy.deepcopy(feature_original.state_dict())
    row = kit.evaluate(feature_original, feature_task, reference=feature_original,
                       original=feature_original, audits="full")  # fmt: skip
    assert not changed(before, feature_original)
    assert row["reliance_steps"] == 0 and row["gradcam_share"] > 0


def test_networks_that_cannot_be_made_anew_have_no_adversaries(feature_original, feature_task):
    """Nor are there distances to a smaller one; the other numbers are there."""
    model = copy.deepcopy(feature_original)
    del model.rebuild
    small = kit.models.build("cnn", feature_task, width=2)
    mask = make_remover(feature_task.train, seed=0, width=2)
    with pytest.warns(UserWarning, match="image_adversary, mask_adversary .*fresh weights") as told:
        row = kit.evaluate(
            model, feature_task, image_filter=mask, reference=small, audits="features"
        )
    missing = {name for name, value in row.items() if math.isnan(value)}
    assert missing == {"image_adversary", "mask_adversary", "distance_reference"} and len(told) == 1


def test_a_filter_is_for_features(original, task):
    with pytest.raises(ValueError, match="tasks that forget a feature"):
        kit.evaluate(original, task, image_filter=nn.Identity())
    with pytest.raises(
        ValueError, match="serves feature forgetting, this task is of level 'class'"
    ):
        kit.unlearn("feature_adversarial", original, task)

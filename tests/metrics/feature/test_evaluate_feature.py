"""All audits of a feature."""

import copy

import pytest
from torch import nn

import kit
from tests.conftest import changed


def test_evaluate_leaves_the_model(feature_original, feature_task):
    before = copy.deepcopy(feature_original.state_dict())
    row = kit.evaluate(feature_original, feature_task, reference=feature_original,
                       original=feature_original, audits="full")  # fmt: skip
    assert not changed(before, feature_original)
    assert row["reliance_steps"] == 0 and row["gradcam_share"] > 0


def test_a_filter_is_for_features(original, task):
    with pytest.raises(ValueError, match="tasks that forget a feature"):
        kit.evaluate(original, task, image_filter=nn.Identity())
    with pytest.raises(
        ValueError, match="serves feature forgetting, this task is of level 'class'"
    ):
        kit.unlearn("feature_adversarial", original, task)

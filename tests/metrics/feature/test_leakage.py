"""Probes read what is there, and no more."""

import copy

from torch import nn

from kit.metrics.feature import leakage


def test_probes_read_what_is_there(feature_original, feature_task):
    layers = leakage.layer_leakage(feature_original, feature_task)
    assert list(layers) == ["stage1", "stage2", "stage3", "features", "logits"]
    assert layers["features"] > 0.85
    assert leakage.hidden_probe(feature_original, feature_task) > 0.85
    blind = copy.deepcopy(feature_original)
    nn.init.zeros_(blind.stage3[0].weight)
    assert leakage.layer_leakage(blind, feature_task)["features"] < 0.65

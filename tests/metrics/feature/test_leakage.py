"""Probes read what is there, and no more."""

import copy

import torch
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


class Yes(nn.Module):
    """An adversary that sees the feature everywhere."""

    def forward(self, x):
        return x.new_ones(len(x), 1)


def test_image_adversary_learns_where_the_feature_tells_nothing_of_the_class(
    feature_original, feature_task, monkeypatch
):
    given = []

    def train_adversary(model, split, values, **options):
        given.append((split.x, values[:, 0]))
        return Yes()

    monkeypatch.setattr(leakage, "train_adversary", train_adversary)
    right = leakage.image_adversary(feature_original, feature_task)
    ((images, values),) = given
    assert torch.equal(images, feature_task.retain.x)
    assert torch.equal(values, feature_task.retain_values[:, 0])
    assert right == feature_task.test_values[:, 0].double().mean()  # judged on the test images

"""Retraining."""

import pytest
import torch
from torch import nn

import kit


def test_retrain_needs_a_model_that_can_be_rebuilt(task):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 4))
    with pytest.raises(ValueError, match="has no head.* wrap it, kit.models.wrap"):
        kit.unlearn("retrain", model, task)
    model = kit.models.build("cnn", task, width=4)
    del model.rebuild
    with pytest.raises(ValueError, match="give it a method rebuild"):
        kit.unlearn("retrain", model, task)


def test_what_is_frozen_keeps_its_weights_and_statistics(task):
    def make():
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(4, 4),
        )  # fmt: skip
        net[:2].requires_grad_(False)
        return net

    model = kit.models.wrap(make, task)
    model.net[1].running_mean += 1
    model.net.eval()
    out = kit.unlearn("retrain", model, task, seed=3, recipe=kit.Recipe(epochs=1)).model
    assert torch.equal(out.net[0].weight, model.net[0].weight)
    assert not torch.equal(out.net[5].weight, model.net[5].weight)

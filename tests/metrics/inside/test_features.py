"""Features of every stage."""

import torch
from torch import nn

import kit
from kit import metrics


def test_features_of_all_stages(original, task):
    parts = metrics.stage_features(original, task.test)
    assert list(parts) == original.stages
    assert all(len(p) == len(task.test) for p in parts.values())
    assert torch.allclose(parts[original.stages[-1]], metrics.features(original, task.test))


def test_maps_whose_channels_come_last_are_averaged_over_the_image(task):
    """As Swin transformers give them."""

    class Turn(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1)

    net = nn.Sequential(nn.Conv2d(1, 6, 3, 2), Turn(), nn.Flatten(), nn.Linear(150, 4))
    model = kit.models.wrap(lambda: net, task)
    model.stages = ["net.0", "net.1"]
    first, last = metrics.stage_features(model, task.test).values()
    assert first.shape == (len(task.test), 6)
    torch.testing.assert_close(first, last)

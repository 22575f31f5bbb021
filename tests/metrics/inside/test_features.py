"""Features of every stage."""

import torch

from kit import metrics


def test_features_of_all_stages(original, task):
    parts = metrics.stage_features(original, task.test)
    assert list(parts) == original.stages
    assert all(len(p) == len(task.test) for p in parts.values())
    assert torch.allclose(parts[original.stages[-1]], metrics.features(original, task.test))

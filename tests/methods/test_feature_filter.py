"""The filter of groups of channels."""

import copy

import torch

from kit.methods import feature_filter


def test_a_map_filter_by_batch_depends_on_company(feature_original, feature_task):
    filters = {}
    for variant in ("paper", "code"):
        config = feature_filter.Config(variant=variant)
        filters[variant] = feature_filter.MapFilter(
            copy.deepcopy(feature_original), [0, 1], feature_task.train, config
        )
    x = feature_task.test.inputs()
    for variant, found in filters.items():
        alone, together = found.heats(x[:1]), found.heats(x)[:1]
        assert torch.allclose(alone, together, atol=1e-5) == (variant == "paper")

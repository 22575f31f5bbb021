"""The filter of groups of channels."""

import copy
from types import SimpleNamespace

import torch
from torch import nn

from kit.datasets.split import Split
from kit.methods import feature_filter
from kit.training import History


class Maps(nn.Module):
    """An identifier whose maps are the image's own channels."""

    stages = ("maps", "last")

    def __init__(self):
        super().__init__()
        self.maps = nn.Identity()

    def forward(self, x):
        return self.maps(x).mean((2, 3))


def test_the_pattern_that_is_small_and_roams_is_blacked_out(monkeypatch):
    """Channel 0: one pixel, anywhere. 1: one pixel, always the same. 2: noise, peaks anywhere."""
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(40, 3, 8, 8)
    place = torch.randint(64, (40,), generator=generator)
    images[:, 0].flatten(1).scatter_(1, place[:, None], 1.0)
    images[:, 1, 3, 3] = 1.0
    images[:, 2] = torch.rand(40, 8, 8, generator=generator)
    zeros = torch.zeros(3)
    train = Split(images, torch.zeros(40).long(), torch.arange(40), zeros, zeros + 1, 3, "train")
    identified = Maps(), torch.arange(3), torch.zeros(3), []
    monkeypatch.setattr(feature_filter, "train_identifier", lambda *_: identified)
    monkeypatch.setattr(feature_filter, "fit", lambda *_, **__: History(loss=[0.0]))
    view, config = SimpleNamespace(train=train), feature_filter.Config(most=1)
    found = feature_filter.feature_filter(Maps(), view, config, seed=0)
    assert found["channels"] == [0]
    assert torch.equal(found["filter"].mask(images), 1 - images[:, :1])


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

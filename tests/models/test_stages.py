"""The parts of a network that are looked at; tokens as maps."""

import pytest
import torch
from torch import nn

from kit.models.stages import as_maps, find_stages

X = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def convolutions(count):
    return [nn.Conv2d(3 if i == 0 else 4, 4, 3, padding=1) for i in range(count)]


def test_names_are_compared_whole():
    net = nn.Sequential(
        nn.Identity(), *convolutions(2), *[nn.Identity()] * 5, nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip
    assert find_stages(net, X, "10") == ["1", "2"]


def test_only_the_deepest_count():
    net = nn.Sequential(*convolutions(6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    assert find_stages(net, X, "8") == ["2", "3", "4", "5"]


def test_what_holds_everything_is_entered():
    inner = nn.Sequential(*convolutions(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    net = nn.Sequential(nn.Identity(), inner)
    assert find_stages(net, X, "1.4") == ["1.0", "1.1"]


class Pair(nn.Module):
    """Gives two things: no stage by itself, but its parts are."""

    def __init__(self):
        super().__init__()
        self.first, self.second = convolutions(2)

    def forward(self, x):
        return self.first(x), self.second(self.first(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = Pair(), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.body(x)[1].mean((2, 3)))


def test_what_gives_no_tensor_is_entered():
    assert find_stages(Net(), X, "head") == ["body.first", "body.second"]


def test_tokens_lie_on_a_square():
    maps = torch.arange(24.0).view(1, 2, 3, 4)
    assert as_maps(maps) is maps
    tokens = torch.arange(10.0).view(1, 5, 2)  # a class token and 2 x 2 patches
    assert torch.equal(as_maps(tokens)[0, 0], torch.tensor([[2.0, 4.0], [6.0, 8.0]]))
    assert torch.equal(as_maps(tokens), as_maps(tokens[:, 1:]))
    for wrong in (torch.zeros(2, 7), torch.zeros(2, 7, 3)):
        with pytest.raises(ValueError, match="no maps: choose an earlier one"):
            as_maps(wrong)

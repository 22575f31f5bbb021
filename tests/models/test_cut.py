"""A network in two halves that together are the network."""

import pytest
import torch
from torch import nn

import kit
from kit.models.cut import cut


def names(model, start):
    return [n for n, _ in model.named_parameters() if n.startswith(start)]


@pytest.mark.parametrize("name", ["resnet8", "vgg11", "allcnn", "cnn", "lenet", "mobilenet_v2"])
def test_halves_are_the_network(task, name):
    model = kit.models.build(name, task)
    x = task.test.take(torch.arange(4)).inputs()
    whole = model(x)
    for start in (model.stages[-1], "head"):
        below, above = cut(model, names(model, f"{start}."))
        assert torch.equal(above(*below(x)), whole)
        used = {n for n, _ in above.named_parameters()}
        assert set(names(model, f"{start}.")) <= used < {n for n, _ in model.named_parameters()}


def test_halves_hold_the_layers_themselves(task):
    model = kit.models.build("cnn", task)
    _, above = cut(model, names(model, "head"))
    assert above.head.weight is model.head.weight


def test_no_cut_below_everything(task):
    model = kit.models.build("cnn", task)
    assert cut(model, names(model, "")) is None


class Padded(nn.Conv2d):
    """A layer of another package: it must stay a layer, for those who look for convolutions."""

    def forward(self, x):
        return super().forward(nn.functional.pad(x, (1, 1, 1, 1)))


def test_layers_of_others_stay_whole():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), Padded(4, 5, 3), nn.Flatten(), nn.Linear(5 * 36, 2))
    _, above = cut(net, ["1.weight", "1.bias"])
    assert [type(m).__name__ for m in above.modules()].count("Padded") == 1


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        x = self.first(x)
        return self.last(x) if x.sum() > 0 else self.last(-x)


def test_a_network_that_cannot_be_followed():
    assert cut(Branching(), ["last.weight", "last.bias"]) is None

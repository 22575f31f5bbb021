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


class Tokens(nn.Module):
    """A transformer block, whose parameters lie in the layers inside it, and one that is idle."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.block = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
        self.idle, self.last = nn.Linear(2, 2), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.block(self.first(x)).mean(1))


def test_a_block_that_is_called_whole_goes_above_with_all_it_holds():
    net, x = Tokens().eval(), torch.randn(2, 3, 4)
    asked = [*names(net, "block"), *names(net, "last")]
    below, above = cut(net, asked)
    assert torch.allclose(above(*below(x)), net(x), atol=1e-6)
    assert set(asked) == {n for n, _ in above.named_parameters()}


def test_a_parameter_that_takes_no_part():
    assert cut(Tokens().eval(), ["idle.weight", "last.weight"]) is None


class Scaled(nn.Module):
    """A parameter that no layer owns, between two layers."""

    def __init__(self):
        super().__init__()
        self.first, self.scale, self.last = (
            nn.Linear(4, 4), nn.Parameter(torch.tensor(3.0)), nn.Linear(4, 2)
        )  # fmt: skip

    def forward(self, x):
        return self.last(self.first(x) * self.scale)


def test_a_parameter_of_the_network_itself():
    net, x = Scaled(), torch.randn(2, 4)
    below, above = cut(net, ["scale"])
    assert torch.equal(above(*below(x)), net(x))
    assert {n for n, _ in above.named_parameters()} == {"scale", "last.weight", "last.bias"}


def test_layer_1_is_not_layer_10():
    net = nn.Sequential(*(nn.Linear(2, 2) for _ in range(11)))
    _, above = cut(net, names(net, "10."))
    assert {n for n, _ in above.named_parameters()} == {"10.weight", "10.bias"}

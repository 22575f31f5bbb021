"""Which layer gives a network's answers; what cannot serve as one is refused by name."""

import pytest
import torch
from torch import nn

from kit.models.heads import ConvHead, editable_head, find_head, with_outputs, write_rows

X = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A convolution, eight features, and an end to be chosen."""

    def __init__(self, end):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.end = end

    def forward(self, x):
        return self.end(self.conv(x).relu().mean((2, 3)))


class FirstDefined(nn.Module):
    def __init__(self):
        super().__init__()
        self.classifier = nn.Linear(6, 3)
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.embed = nn.Linear(8, 6)

    def forward(self, x):
        return self.classifier(self.embed(self.conv(x).relu().mean((2, 3))).relu())


class Gated(nn.Module):
    """A gate of linear layers behind the convolution that classifies."""

    def __init__(self, rectified=False, size=1):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 8, 3, stride=2), nn.Linear(8, 8)
        self.last, self.rectified = nn.Conv2d(8, 3, size, padding=size // 2), rectified

    def forward(self, x):
        x = self.conv(x).relu()
        x = x * self.gate(x.mean((2, 3))).sigmoid()[..., None, None]
        x = self.last(x)
        return (x.relu() if self.rectified else x).mean((2, 3))


def test_the_last_to_answer_is_the_head_wherever_it_is_defined():
    assert find_head(FirstDefined(), X).name == "classifier"
    assert find_head(Net(nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))), X).name == (
        "end.2"
    )


@pytest.mark.parametrize("rectified, size, width", [(False, 1, 8), (True, 1, 392), (False, 3, 392)])
def test_a_convolution_that_is_averaged_is_a_head(rectified, size, width):
    net = Gated(rectified, size).eval()
    place = find_head(net, X)
    head = place.head(net)
    assert place.name == "last" and isinstance(head, ConvHead) and head.in_features == width
    read = []
    net.last.register_forward_hook(lambda module, inputs, output: read.append(inputs[0]))
    answers = net(X)
    features = head.vectors(read[0])
    assert features.shape == (3, width)
    torch.testing.assert_close(head(features), answers, rtol=1e-4, atol=1e-5)


class Summed(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(8, 3), nn.Linear(8, 3)

    def forward(self, x):
        return self.one(x) + self.two(x)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(self.layer(x[:, :3]))


class Cosine(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 8))

    def forward(self, x):
        return nn.functional.normalize(x) @ nn.functional.normalize(self.weight).T


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        return self.layer(x.view(-1, 2, 4)).mean(1)


@pytest.mark.parametrize(
    "end, sentence",
    [
        (nn.Sequential(nn.Linear(8, 3), nn.Softmax(1)), "end.0 the network still changes"),
        (nn.Sequential(nn.Linear(8, 3), nn.Sigmoid()), "a softmax or sigmoid.*return the logits"),
        (Summed(), "another head"),
        (Twice(), "end.layer, is used more than once"),
        (Cosine(), "the last of them, conv, gives"),
        (Tokens(), "end.layer reads .3, 2, 4.: choose or average the tokens"),
    ],
)
def test_what_is_no_head_is_refused_by_name(end, sentence):
    with pytest.raises(ValueError, match=sentence):
        find_head(Net(end), X)


def test_a_network_without_layers_of_these_kinds():
    with pytest.raises(ValueError, match="no layer of these kinds was called in Flatten"):
        find_head(nn.Flatten(), X)


@pytest.mark.parametrize("bias", [True, False])
def test_a_head_with_other_outputs(bias):
    linear = with_outputs(nn.Linear(8, 3, bias=bias), 4)
    assert linear.weight.shape == (4, 8) and (linear.bias is not None) == bias
    conv = with_outputs(ConvHead(nn.Conv2d(8, 3, 3, padding=1, bias=bias), (8, 7, 7), True), 4)
    assert conv(torch.randn(2, 392)).shape == (2, 4) and (conv.bias is not None) == bias
    assert conv.rectified and conv.conv.padding == (1, 1)


def test_a_head_that_a_method_cannot_write_into():
    def model(head):
        net = nn.Module()
        net.head = head
        return net

    plain = nn.Linear(8, 3, bias=False)
    assert editable_head(model(plain)) is plain
    with pytest.raises(ValueError, match="no bias"):
        editable_head(model(plain), bias=True)
    with pytest.raises(ValueError, match="needs an nn.Linear"):
        editable_head(model(ConvHead(nn.Conv2d(8, 3, 1), None, False)), linear=True)
    for norm in (
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
        nn.utils.spectral_norm,
    ):
        with pytest.raises(ValueError, match="computed from other tensors"):
            editable_head(model(norm(nn.Linear(8, 3))), plain=True)
    with pytest.raises(ValueError, match="the last layer is frozen"):
        editable_head(model(nn.Linear(8, 3).requires_grad_(False)))


def test_rows_are_written_through_what_computes_them():
    row = torch.full((1, 8), 0.5)
    plain = nn.Linear(8, 3)
    weighted = nn.utils.parametrizations.weight_norm(nn.Linear(8, 3))
    for layer in (plain, weighted):
        before = layer.weight.detach().clone()
        write_rows(layer, [1], row)
        torch.testing.assert_close(layer.weight[1:2], row)
        torch.testing.assert_close(layer.weight[[0, 2]], before[[0, 2]])
    spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3)).eval()
    write_rows(spectral, [1], row)
    torch.testing.assert_close(spectral.weight[1] / spectral.weight[1, 0], torch.ones(8))
    with pytest.raises(ValueError, match="remove_weight_norm"):
        write_rows(nn.utils.weight_norm(nn.Linear(8, 3)), [1], row)

"""Masks are told from networks that changed."""

import copy
import math

import pytest
import torch
from torch import nn

import kit
from kit.metrics.inside.masking import answers_changed, masking
from kit.parts.sham import sham_update
from tests.conftest import TOY_RECIPE

FORGOTTEN = 1  # class of the toy task
LOW = -1e4  # a logit that no softmax notices


class Wrapper(nn.Module):
    """Lowers one logit of another network."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        logits = self.net(x).clone()
        logits[:, FORGOTTEN] = LOW
        return logits


class OpenWrapper(Wrapper):
    def features(self, x):
        return self.net.features(x)


class Behind(nn.Module):
    """Features of a network, changed by a map, and a last layer on them."""

    def __init__(self, features, head):
        super().__init__()
        self.below, self.head = features, head

    def features(self, x):
        return self.below(x)

    def forward(self, x):
        return self.head(self.features(x))


class Turned(nn.Module):
    def __init__(self, net, turn):
        super().__init__()
        self.net = net
        self.register_buffer("turn", turn)

    def forward(self, x):
        return self.net.features(x) @ self.turn


def linear(weight, bias):
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def by_bias(net, task):
    return kit.unlearn("logit_mask", net, task).model


def by_a_row_of_zeros(net, task):
    masked = copy.deepcopy(net)
    with torch.no_grad():
        masked.head.weight[FORGOTTEN] = 0
        masked.head.bias[FORGOTTEN] = LOW
    return masked


def by_a_wrapper(net, task):
    return Wrapper(net)


def by_a_wrapper_that_shows_features(net, task):
    return OpenWrapper(net)


def turned(net, warmth=1.0):
    """The features rotated and the head turned back, at another temperature, and masked."""
    width = net.head.in_features
    turn = torch.linalg.qr(torch.randn(width, width, generator=torch.Generator().manual_seed(0)))[0]
    bias = net.head.bias.detach().clone() * warmth
    bias[FORGOTTEN] = LOW
    return Behind(Turned(net, turn), linear(net.head.weight.detach() @ turn * warmth, bias))


def by_a_turned_head(net, task):
    return turned(net)


def further(net):
    shift = torch.zeros(net.head.out_features)
    shift[FORGOTTEN] = LOW
    return linear(torch.eye(len(shift)), shift)


def by_a_further_layer(net, task):
    return nn.Sequential(net, further(net))


def by_a_further_layer_on_logits_as_features(net, task):
    return Behind(net, further(net))


MASKS = [
    by_bias, by_a_row_of_zeros, by_a_wrapper, by_a_wrapper_that_shows_features, by_a_turned_head,
    by_a_further_layer, by_a_further_layer_on_logits_as_features,
]  # fmt: skip


@pytest.mark.parametrize("mask", MASKS)
def test_every_mask_is_found(mask, original, task):
    masked = mask(original, task)
    found = masking(original, masked, task)
    assert found["only_masked"] == 1 and found["unchanged"] == 0
    assert found["answers_changed"] < 1e-4
    if hasattr(masked, "features"):
        assert found["features_kept"] > 0.999
    else:
        assert math.isnan(found["features_kept"])


def test_a_mask_at_another_temperature_is_found_by_its_features(original, task):
    found = masking(original, turned(original, warmth=0.2), task)
    assert found["answers_changed"] > 0.05 and found["features_kept"] > 0.999
    assert found["only_masked"] == 1


def test_logits_as_features_are_found_from_either_side(original, task):
    """The logits do not hold all of the features, but the features hold all of the logits."""
    masked = by_a_further_layer_on_logits_as_features(original, task)
    assert masking(masked, original, task)["features_kept"] > 0.999
    assert masking(original, masked, task)["features_kept"] > 0.999


@pytest.mark.parametrize("width", [8, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_retrained_networks_are_not_accused(width, seed, original, task):
    model = kit.models.build("resnet8", task, width=width, seed=seed)
    kit.fit(model, task.retain, TOY_RECIPE, seed=seed)
    found = masking(original, model, task)
    assert found["only_masked"] == 0 and found["unchanged"] == 0
    assert found["answers_changed"] > 0.02 and found["features_kept"] < 0.9


def test_a_sham_update_is_not_accused(original, task):
    found = masking(original, sham_update(original, task, steps=4), task)
    assert found["only_masked"] == 0 and found["features_kept"] < 0.99


def test_the_network_itself_is_unchanged_and_not_masked(original, task):
    found = masking(original, copy.deepcopy(original), task)
    assert found["unchanged"] == 1 and found["only_masked"] == 0
    assert found["answers_changed"] == 0 and found["features_kept"] > 0.999


def test_what_was_never_known_cannot_be_masked(retrained, task):
    assert masking(retrained, by_bias(retrained, task), task)["only_masked"] == 0


def test_a_mask_of_two_classes(data):
    both = kit.tasks.forget_classes(data, [0, 2])
    model = kit.models.build("resnet8", both, width=4)
    kit.fit(model, both.train, TOY_RECIPE)
    found = masking(model, by_bias(model, both), both)
    assert found["only_masked"] == 1 and found["answers_changed"] < 1e-4


class Says(nn.Module):
    """The same probabilities for every image, or others for images that are bright."""

    def __init__(self, dark, bright=None):
        super().__init__()
        self.dark, self.bright = (torch.tensor(p).log() for p in (dark, bright or dark))

    def forward(self, x):
        return torch.where((x.mean((1, 2, 3)) > 0)[:, None], self.bright, self.dark)


def test_answers_changed_by_hand(task):
    before = Says([0.4, 0.2, 0.2, 0.2])  # over the others: 1/2, 1/4, 1/4
    assert answers_changed(before, Says([0.2, 0.6, 0.1, 0.1]), task) == pytest.approx(0, abs=1e-6)
    other = Says([0.2, 0.2, 0.4, 0.2])  # 1/4, 1/2, 1/4
    assert answers_changed(before, other, task) == pytest.approx(0.25)
    bright = (task.test.inputs().mean((1, 2, 3)) > 0).float().mean().item()
    assert 0 < bright < 1
    some = Says([0.4, 0.2, 0.2, 0.2], [0.2, 0.2, 0.4, 0.2])
    assert answers_changed(before, some, task) == pytest.approx(0.25 * bright)
    assert masking(before, some, task)["answers_changed"] == pytest.approx(0.25 * bright)


def test_forgotten_images_count_among_the_answers(original, retrained, task):
    said = [kit.predict(net, task.test)[:, [0, 2, 3]].softmax(1) for net in (original, retrained)]
    by_hand = (said[0] - said[1]).abs().sum(1).mean().item() / 2
    assert answers_changed(original, retrained, task) == pytest.approx(by_hand, rel=1e-4)


def test_only_classes_can_be_masked(original, data):
    pictures = kit.tasks.forget_samples(data, [0, 1])
    for judge in (masking, answers_changed):
        with pytest.raises(ValueError, match="forgets samples"):
            judge(original, original, pictures)


@pytest.fixture
def many():
    """A request for one of sixty classes, each a shade, which a network can tell without error."""
    x = torch.arange(0, 240, 4, dtype=torch.uint8)[:, None, None, None].expand(60, 1, 4, 4)
    y = torch.arange(60)
    data = kit.datasets.ImageData("shades", x, y, x, y, [str(n) for n in range(60)])
    return kit.tasks.forget_classes(data, [FORGOTTEN])


class Shades(nn.Module):
    """Names the image, of those it was made with, that is nearest."""

    def __init__(self, images):
        super().__init__()
        self.register_buffer("images", images.flatten(1))

    def forward(self, x):
        return -1e3 * torch.cdist(x.flatten(1), self.images)


def test_one_class_of_many_that_went_is_no_unchanged_network(many):
    """One image in sixty is all that changed."""
    model = Shades(many.test.inputs())
    assert masking(model, Wrapper(model), many)["unchanged"] == 0
    assert masking(model, model, many)["unchanged"] == 1


def test_a_retrained_network_of_many_classes_is_not_accused(many):
    """It answers the forgotten image otherwise than a masked network would, and no other."""
    shades = many.test.inputs()
    model, without = Shades(shades), shades.clone()
    without[FORGOTTEN] = 1e3  # it never saw that shade, and takes it for a neighbour
    retrained = Shades(without)
    retrained.images[FORGOTTEN - 1] += 0.1  # the one below, say
    found = masking(model, retrained, many)
    assert found["answers_changed"] < 0.02 and found["only_masked"] == 0

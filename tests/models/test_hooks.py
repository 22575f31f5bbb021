"""Listeners hear every layer and leave nothing behind."""

import pytest
import torch

from kit.models.hooks import caught, listening


@pytest.fixture
def model():
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))


def hooks(model):
    return sum(len(module._forward_hooks) for module in model.modules())


def test_what_a_layer_says_is_heard_with_its_inputs(model):
    heard = []
    x = torch.randn(4, 2)
    with listening(model, ["0", "2"], lambda *said: heard.append(said)):
        y = model(x)
    assert [name for name, _, _ in heard] == ["0", "2"]
    assert torch.equal(heard[0][1][0], x) and torch.equal(heard[1][2], y)
    model(x)
    assert len(heard) == 2 and not hooks(model)


def test_outputs_are_caught_in_their_order(model):
    x = torch.randn(4, 2)
    with caught(model, "0") as outputs:
        model(x), model(2 * x)
    torch.testing.assert_close(outputs, [model[0](x), model[0](2 * x)])


def test_no_hook_is_left_behind_by_an_error(model):
    with pytest.raises(RuntimeError), caught(model, "0"):
        model(torch.randn(4, 7))
    assert not hooks(model)

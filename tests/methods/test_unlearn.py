"""``unlearn``: what any method leaves as it was, and what is refused."""

import importlib
import math

import pytest
import torch
from torch import nn

import kit
from kit.methods.unsir import Config
from kit.training import History
from tests.conftest import same

TOGETHER = ("neg_grad", "random_labels", "salun", "l1_sparse", "bad_teacher", "scrub",
            "boundary_shrink", "finetune")  # fmt: skip


@pytest.mark.parametrize("name", TOGETHER)
def test_without_steps_the_network_stays(name, original, task, monkeypatch):
    """Everything around the training leaves weights and BatchNorm's statistics as they were."""
    file = "random_labels" if name == "salun" else name
    module = importlib.import_module(f"kit.methods.{file}")
    monkeypatch.setattr(module, "fit", lambda *args, **options: History(loss=[0.0]))
    options = {"epsilon": 0.3} if name == "boundary_shrink" else {}
    assert same(original, kit.unlearn(name, original, task, **options).model)


@pytest.mark.parametrize(
    "name, options", [("ssd", {"alpha": math.inf}), ("fisher", {"alpha": 0.0, "surgery": False})]
)
def test_no_change_asked_for_is_no_change(name, options, original, task):
    assert same(original, kit.unlearn(name, original, task, **options).model)


def test_unlearn_refuses_mixed_settings(original, task):
    with pytest.raises(ValueError, match="not both"):
        kit.unlearn("unsir", original, task, config=Config(), variant="code")
    with pytest.raises(ValueError, match="Config of its own file"):
        kit.unlearn("finetune", original, task, config=Config())


class Masked(nn.Module):
    """Attention over patches with a mask of -inf, and one weight used twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.mix = nn.Conv2d(1, 4, 4, 4), nn.Linear(4, 4, bias=False)
        self.again = nn.Linear(4, 4, bias=False)
        self.again.weight = self.mix.weight
        self.head = nn.Linear(4, 4)
        self.register_buffer("mask", torch.full((9, 9), -torch.inf).triu(1))

    def forward(self, x):
        tokens = self.conv(x).flatten(2).transpose(1, 2)
        seen = (self.mix(tokens) @ self.again(tokens).transpose(1, 2) + self.mask).softmax(-1)
        return self.head((seen @ tokens).mean(1))


def test_a_mask_of_infinities_is_no_divergence_and_tied_weights_stay_tied(task):
    model = kit.models.wrap(Masked, task)
    for name in ("finetune", "ssd", "class_pruning"):
        out = kit.unlearn(name, model, task).model
        assert out.net.mix.weight is out.net.again.weight
        assert torch.equal(out.net.mask, model.net.mask)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_weights_lie_in_memory_as_before(task, layout):
    model = kit.models.build("cnn", task, width=8).to(memory_format=layout)
    out = kit.unlearn("finetune", model, task, epochs=1).model
    for name, weight in out.named_parameters():
        assert weight.is_contiguous(memory_format=layout) or weight.dim() != 4, name


def test_each_part_keeps_its_mode(task):
    model = kit.models.build("cnn", task, width=4).train()
    part = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d)).eval()
    modes = [m.training for m in model.modules()]
    kit.unlearn("finetune", model, task, epochs=1)
    kit.metrics.evaluate(model, task)
    assert [m.training for m in model.modules()] == modes and not part.training


def test_nothing_to_change_is_said(task):
    model = kit.models.build("cnn", task, width=4).requires_grad_(False)
    with pytest.raises(ValueError, match="finetune has nothing to change: all parameters are froz"):
        kit.unlearn("finetune", model, task)
    with pytest.raises(ValueError, match="nothing can be trained: all parameters are frozen"):
        kit.fit(model, task.train)


def test_a_network_that_was_not_wrapped_is_told_how(task):
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 4))
    with pytest.raises(ValueError, match="Sequential has no head.*kit.models.wrap"):
        kit.unlearn("finetune", net, task)

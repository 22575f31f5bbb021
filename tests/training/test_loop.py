"""The training loop: exact where it can be, refusing what makes no sense."""

import copy
import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import kit
from kit.datasets.split import synthetic
from kit.runtime.cost import measure
from tests.conftest import TOY_RECIPE


def small(task, **options):
    return kit.models.build("resnet8", task, width=4, **options)


def test_learns(task, original):
    assert kit.evaluate(original, task)["forget_accuracy"] > 0.95


def test_same_seed_same_weights_and_no_trace_in_the_global_generator(task):
    states = []
    for seed in (0, 0, 1):
        model = small(task)
        before = torch.get_rng_state()
        kit.fit(model, task.train, dataclasses.replace(TOY_RECIPE, epochs=1), seed=seed)
        assert torch.equal(before, torch.get_rng_state())
        states.append(model.state_dict()["head.weight"])
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_equals_a_loop_written_by_hand(task, optimizer):
    """Two epochs of constant rate, no augmentation: the textbook loop gives the same weights."""
    recipe = kit.Recipe(epochs=2, batch_size=50, optimizer=optimizer, lr=0.01, schedule="constant",
                        label_smoothing=0.1, bf16=False)  # fmt: skip
    ours, theirs = small(task), small(task)
    history = kit.fit(ours, task.train, recipe, seed=3)

    theirs.to(kit.training.device(), memory_format=torch.channels_last).train()
    if optimizer == "sgd":
        step = torch.optim.SGD(theirs.parameters(), 0.01, 0.9, weight_decay=5e-4, nesterov=True)
    else:
        step = torch.optim.Adam(theirs.parameters(), 0.01, weight_decay=5e-4)
    shuffle = torch.Generator().manual_seed(3)
    x, y = task.train.inputs(), task.train.y
    for _ in range(2):
        for rows in torch.randperm(len(y), generator=shuffle).split(50):
            batch = x[rows].to(kit.training.device(), memory_format=torch.channels_last)
            target = y[rows].to(kit.training.device())
            loss = F.cross_entropy(theirs(batch), target, label_smoothing=0.1)
            step.zero_grad()
            loss.backward()
            step.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(p, q, atol=1e-6)
    assert history.steps == 10 and len(history.loss) == 2 and history.seconds > 0


def test_stops_when_asked(task):
    for step in (5, 8):  # in the middle and at the end of an epoch of 8 steps
        history = kit.fit(small(task), task.train, TOY_RECIPE, after_step=lambda n, s=step: n == s)
        assert history.steps == step


def test_several_splits_are_shuffled_together(task):
    noise = synthetic(task.retain, torch.randn(20, 1, 12, 12), torch.ones(20))
    with measure() as meter:
        kit.fit(small(task), [task.retain, noise], dataclasses.replace(TOY_RECIPE, epochs=2))
    assert meter.passes == {
        "retain_forward": 360, "retain_backward": 360,
        "synthetic_forward": 40, "synthetic_backward": 40,
    }  # fmt: skip


def test_one_left_over_image_joins_the_batch_before(task):
    kit.fit(
        small(task), task.train.take(torch.arange(33)), TOY_RECIPE
    )  # 32 + 1 would crash BatchNorm


def test_leaves_eval_mode_and_predict_restores_the_mode(task):
    model = small(task)
    kit.fit(model, task.train, dataclasses.replace(TOY_RECIPE, epochs=1))
    assert not model.training
    before = copy.deepcopy(model.state_dict())
    model.train()
    logits = kit.predict(model, task.test)
    assert model.training and logits.shape == (80, 4)
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())


def test_refuses(task):
    with pytest.raises(ValueError, match="a split is empty"):
        kit.fit(small(task), task.train.take(torch.zeros(240, dtype=torch.bool)))
    bad = synthetic(task.retain, torch.full((2, 1, 12, 12), math.nan), torch.zeros(2))
    with pytest.raises(ValueError, match="synthetic images contain NaN"):
        kit.fit(small(task), [task.retain, bad])
    wrong = kit.models.build("resnet8", kit.datasets.load("fashion-mnist-mini"), width=4)
    with pytest.raises(ValueError, match="10.*4 classes"):
        kit.fit(wrong, task.train)
    colour = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten())
    with pytest.raises(ValueError, match=r"cannot take images of shape \(1, 12, 12\)"):
        kit.fit(colour, task.train)
    with pytest.raises(ValueError, match="sgd"):
        kit.Recipe(optimizer="lion")
    with pytest.raises(ValueError, match="onecycle"):
        kit.Recipe(schedule="linear")
    with pytest.raises(ValueError, match="epochs must be positive"):
        kit.Recipe(epochs=0)
    with pytest.raises(ValueError, match="unknown profile 'fast'.*quick"):
        kit.profile("fast")


def test_divergence_is_an_error(task):
    recipe = kit.Recipe(epochs=5, lr=1e12, batch_size=32, schedule="constant", bf16=False)
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        kit.fit(small(task), task.train, recipe)


def test_bf16_learns_too(task):
    model = kit.models.build("resnet8", task, width=8)
    kit.fit(model, task.train, dataclasses.replace(TOY_RECIPE, bf16=True))
    assert kit.evaluate(model, task)["retain_accuracy"] > 0.95


def test_predict_is_exact_under_batching(original, task):
    whole = kit.predict(original, task.test)
    parts = kit.predict(original, task.test, batch_size=7)
    assert torch.allclose(whole, parts, atol=1e-5)
    assert TOY_RECIPE.bf16 is False


def test_one_image_trains_where_batchnorm_cannot(task):
    def make():
        return nn.Sequential(
            nn.Flatten(), nn.Linear(144, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)
        )

    model = kit.models.wrap(make, task)
    before = model.net[2].running_mean.clone(), model.head.weight.clone()
    kit.fit(model, task.train.take(torch.tensor([0])), kit.Recipe(epochs=1))
    assert torch.equal(model.net[2].running_mean, before[0])
    assert not torch.equal(model.head.weight, before[1])
    kit.fit(model, task.train, kit.Recipe(epochs=1))  # with more it learns statistics again
    assert not torch.equal(model.net[2].running_mean, before[0])

"""How soon it comes back."""

import dataclasses
import math

import pytest
import torch

import kit
from kit import metrics
from kit.datasets.toy import toy_data
from kit.metrics.feature import reliance
from kit.runtime.cost import measure


def test_relearning_counts_steps(original, retrained, task):
    assert metrics.relearn_steps(original, task, goal=0.9) == 0
    steps = metrics.relearn_steps(retrained, task, goal=0.9, lr=1e-2, max_epochs=20)
    assert 0 < steps < math.inf
    assert steps == metrics.relearn_steps(retrained, task, goal=0.9, lr=1e-2, max_epochs=20)
    assert metrics.relearn_steps(retrained, task, goal=1.1, max_epochs=1) == math.inf
    epochs = metrics.relearn_epochs(retrained, task, goal=0.9, lr=1e-2, samples=100)
    assert epochs == int(epochs) and 0 < epochs < 100
    assert metrics.relearn_epochs(retrained, task, goal=1.1, samples=100, max_epochs=2) == math.inf


def test_relearning_trains_on_all_classes_as_many_batches_as_it_says(retrained, task):
    with measure() as meter:
        steps = metrics.relearn_steps(retrained, task, goal=0.9, lr=1e-2, max_epochs=20)
    assert meter.passes["train_backward"] == steps * len(task.train)  # one batch an epoch
    assert {kind for kind in meter.passes if "backward" in kind} == {"train_backward"}


def test_an_epoch_is_as_many_batches_as_training_makes_of_it(retrained):
    """257 images are one batch, not two: the left-over image joins the one before."""
    task = kit.tasks.forget_classes(toy_data(per_class=100), [1])
    order = torch.randperm(len(task.train), generator=torch.Generator().manual_seed(0))
    alone = dataclasses.replace(task, train=task.train.take(order[:257]))
    how = {"goal": 0.9, "lr": 1e-2, "max_epochs": 100}
    epochs = metrics.relearn_epochs(retrained, task, samples=257, **how)
    assert 0 < epochs == metrics.relearn_steps(retrained, alone, **how)


def test_anamnesis_index():
    assert metrics.anamnesis_index(5, 10) == 0.5
    assert metrics.anamnesis_index(math.inf, 10) == math.inf
    assert metrics.anamnesis_index(5, math.inf) == 0
    assert metrics.anamnesis_index(5, 0) == math.inf
    assert math.isnan(metrics.anamnesis_index(0, 0))
    assert math.isnan(metrics.anamnesis_index(math.inf, math.inf))


def test_relearning_curve(original, retrained, task):
    curve = metrics.relearn_curve(retrained, task, shots=(1, 20), steps=5, lr=1e-2)
    assert list(curve) == [0, 1, 20] and curve[0] == 0
    assert metrics.relearn_curve(original, task, shots=(5,), steps=5)[5] > 0.9


def test_relearning_the_feature(feature_original, feature_task):
    goal = reliance.reliance_gap(feature_original, feature_task)["reliance_gap"] / 2
    assert kit.metrics.reliance_steps(feature_original, feature_task, goal) == 0
    fresh = kit.models.build("cnn", feature_task, width=8, seed=5)
    assert kit.metrics.reliance_steps(fresh, feature_task, goal, max_epochs=1) > 0


def test_relearning_of_samples_is_refused(original, task):
    samples = kit.tasks.forget_samples(task.data, [0])
    for relearning in (
        lambda: metrics.relearn_steps(original, samples, 0.9),
        lambda: metrics.relearn_epochs(original, samples, 0.9),
        lambda: metrics.relearn_curve(original, samples),
    ):
        with pytest.raises(ValueError, match="for classes only, this task forgets samples"):
            relearning()

"""Prototypes, probes and fresh heads: what the features still know."""

import math
from dataclasses import replace

import pytest
import torch

import kit
from kit import metrics
from kit.metrics.inside import probes


def test_prototypes_look_behind_the_last_layer(original, task):
    """A mask passes by accuracy and by relearn time; the features are still the original's."""
    masked = kit.unlearn("logit_mask", original, task).model
    assert kit.evaluate(masked, task)["forget_accuracy"] == 0
    assert metrics.relearn_steps(masked, task, goal=0.9, max_epochs=2) == math.inf
    assert metrics.prototype_recall(masked, task) == metrics.prototype_recall(original, task) > 0.9


def test_prototype_recall_by_hand(task):
    """Features that are two numbers: the nearest of four known means."""

    class Corners(torch.nn.Module):
        def features(self, x):  # brightness of the top minus bottom half, left minus right half
            halves = x[:, :, :6] - x[:, :, 6:], x[..., :6] - x[..., 6:]
            return torch.stack([h.mean((1, 2, 3)) for h in halves], 1)

    assert metrics.prototype_recall(Corners(), task) == 1.0
    wrong = task.test.labelled((task.test.y + 1) % 4)
    assert metrics.prototype_recall(Corners(), replace(task, test=wrong)) == 1.0  # means of train
    with pytest.raises(ValueError, match=r"no features.*kit\.models\.wrap"):
        metrics.prototype_recall(torch.nn.Linear(1, 1), task)
    with pytest.raises(ValueError, match="forgets samples"):
        metrics.prototype_recall(Corners(), kit.tasks.forget_samples(task.data, [0]))


def test_features_that_are_maps_are_refused(task):
    """As ``features`` of torchvision's VGG and Swin are."""
    net = torch.nn.Module()
    net.features = torch.nn.Conv2d(1, 2, 3)
    with pytest.raises(ValueError, match=r"gives \(2, 10, 10\) for an image, not a vector: wrap"):
        metrics.features(net, task.test)


def test_a_probe_of_one_class_is_refused(task):
    with pytest.raises(ValueError, match="at least two classes"):
        probes.fit_probe(torch.randn(3, 2), torch.zeros(3))


def test_linear_probe_and_its_control(original, task):
    probe = metrics.linear_probe(original, task, per_class=40)
    assert probe["forget"] > 0.9 and probe["retain"] > 0.9
    control = metrics.linear_probe(original, task, per_class=40, shuffled=True)
    assert abs(control["retain"] - 0.25) < 0.25  # four classes
    masked = kit.unlearn("logit_mask", original, task).model
    assert metrics.linear_probe(masked, task, per_class=40) == probe


def test_linear_probe_equals_scikit_learn(original, task):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sample = task.train.per_class(40, 0)
    pipeline = make_pipeline(
        StandardScaler(), LogisticRegression(C=1 / (1e-3 * len(sample)), max_iter=500)
    ).fit(metrics.features(original, sample), sample.y)
    theirs = pipeline.score(metrics.features(original, task.test_forget), task.test_forget.y)
    ours = metrics.linear_probe(original, task, per_class=40)["forget"]
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_fresh_head_undoes_the_mask(original, task):
    masked = kit.unlearn("logit_mask", original, task).model
    assert metrics.head_recovery(masked, task) == metrics.head_recovery(original, task)
    assert metrics.head_recovery(masked, task)["forget"] > 0.9

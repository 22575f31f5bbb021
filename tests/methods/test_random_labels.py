"""Random labels are wrong and spread."""

import math

import pytest
import torch
import torch.nn.functional as F

import kit
from kit.methods import random_labels
from kit.training import History


def test_wrong_labels_are_wrong_and_spread():
    y = torch.arange(4).repeat(3000)
    wrong = random_labels.other_labels(y, 4, torch.Generator().manual_seed(0))
    assert (wrong != y).all()
    shares = torch.stack([wrong[y == c].bincount(minlength=4) for c in range(4)]) / 3000
    assert (shares[~torch.eye(4, dtype=torch.bool)] - 1 / 3).abs().max() < 0.05
    loose = random_labels.other_labels(y, 4, torch.Generator().manual_seed(0), exclude=False)
    assert (loose == y).double().mean() == pytest.approx(0.25, abs=0.02)


@pytest.fixture
def taught(monkeypatch):
    """``fit`` only collects what it was to train with: the splits and the loss."""
    found = {}

    def spy(model, splits, recipe, *, loss, **options):
        found.update(retained=splits[0], forgotten=splits[1], loss=loss)
        return History(loss=[0.0])

    monkeypatch.setattr(random_labels, "fit", spy)
    return found


def loss_if_impossible(taught, kind, labels):
    """The loss on all images of a kind, of a network that rules out these labels: log 3 if none of
    them is taught."""
    logits = -1000.0 * F.one_hot(labels, 4)
    split = taught[kind]
    return taught["loss"](lambda x: logits, split.inputs(), split.y).item()


@pytest.mark.parametrize("redraw", [False, True])
@pytest.mark.parametrize("name", ["random_labels", "salun"])
def test_the_truth_is_taught_of_retained_images_alone(original, task, taught, name, redraw):
    kit.unlearn(name, original, task, redraw=redraw)
    assert loss_if_impossible(taught, "forgotten", task.forget.y) == pytest.approx(math.log(3))
    assert loss_if_impossible(taught, "retained", task.retain.y) > 999
    kit.unlearn(name, original, task, redraw=redraw, exclude_truth=False)
    assert loss_if_impossible(taught, "forgotten", task.forget.y) > 100


def test_the_new_label_may_be_another_class_to_forget(original, data, taught):
    both = kit.tasks.forget_classes(data, [1, 2])
    kit.unlearn("random_labels", original, both, redraw=False)
    drawn = taught["forgotten"].y
    assert drawn[both.forget.y == 1].unique().tolist() == [0, 2, 3]
    assert drawn[both.forget.y == 2].unique().tolist() == [0, 1, 3]

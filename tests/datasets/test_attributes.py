"""Attributes are drawn where they should be and nowhere else."""

import pytest
import torch

import kit
from kit.datasets.attributes import ATTRIBUTES
from kit.datasets.toy import toy_data

DRAWN = list(ATTRIBUTES)


@pytest.mark.parametrize("attribute", [*DRAWN, ("glyph", "tint")])
def test_drawing_keeps_labels_and_repeats(attribute):
    data = toy_data(size=20)
    first, again = (kit.tasks.forget_feature(data, attribute, seed=3) for _ in range(2))
    other = kit.tasks.forget_feature(data, attribute, seed=4)
    assert torch.equal(first.train.x, again.train.x) and torch.equal(first.test.x, again.test.x)
    assert not torch.equal(first.train.x, other.train.x)
    for split in (first.train, first.retain, first.counterfactuals, first.clean):
        assert torch.equal(split.y, data.train_y)
    assert torch.equal(first.aligned.y, data.test_y)


@pytest.mark.parametrize("attribute", ["glyph", "mark"])
def test_pairs_differ_in_the_box_alone(attribute):
    task = kit.tasks.forget_feature(toy_data(size=20), attribute)
    without, with_ = task.pairs()
    differ = (without.x != with_.x).any(1)
    assert differ.flatten(1).any(1).all() and not (differ & ~task.boxes()).any()
    assert (task.boxes().flatten(1).sum(1) == 25).all()
    if attribute == "glyph":  # equally bright, so that brightness says nothing
        assert torch.equal(without.x.flatten(1).long().sum(1), with_.x.flatten(1).long().sum(1))


def test_tint_changes_colours_alone():
    task = kit.tasks.forget_feature(toy_data(size=20), "tint")
    warm, cool = (split.x.float() for split in task.pairs())
    assert task.boxes() is None
    assert (warm[:, 0] >= warm[:, 2]).all() and (cool[:, 0] <= cool[:, 2]).all()
    assert torch.equal(warm[:, 1], cool[:, 1])

"""Splits: shares of them, and images as a network takes them."""

import pytest
import torch

from kit.datasets.split import normalise, synthetic


def test_shares_of_a_split(task):
    assert task.retain.per_class(7, seed=0).y.bincount().tolist() == [7, 0, 7, 7]
    assert torch.equal(task.retain.per_class(7, seed=0).rows, task.retain.per_class(7, seed=0).rows)
    assert not torch.equal(
        task.retain.per_class(7, seed=0).rows, task.retain.per_class(7, seed=1).rows
    )
    assert len(task.retain.per_class(10**6, seed=0)) == len(task.retain)
    assert task.retain.fraction(0.1, seed=0).y.bincount().tolist() == [6, 0, 6, 6]
    assert task.train.of_classes([2]).y.unique().tolist() == [2]


def test_normalise():
    x = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    out = normalise(x, torch.tensor([0.5]), torch.tensor([0.25]))
    assert out.flatten().tolist() == pytest.approx([-2, 2], abs=1e-6)
    assert torch.equal(normalise(out, torch.tensor([9.0]), torch.tensor([9.0])), out)


def test_inputs_have_mean_0_and_deviation_1(task):
    x = task.train.inputs()
    assert x.mean().item() == pytest.approx(0, abs=1e-4)
    assert x.std().item() == pytest.approx(1, abs=1e-3)


def test_synthetic_images_are_a_split(task):
    split = synthetic(task.retain, torch.zeros(5, 1, 12, 12), torch.ones(5))
    assert len(split) == 5 and split.kind == "synthetic" and torch.equal(split.inputs(), split.x)

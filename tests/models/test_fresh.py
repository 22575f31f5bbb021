"""Networks that have learned nothing, and what cannot be one."""

import pytest
import torch
from torch import nn

import kit
from kit.models.fresh import fresh


def test_fresh_weights_come_from_the_seed(task):
    model = kit.models.build("cnn", task, width=4)
    one, same, other = (fresh(model, seed).head.weight for seed in (5, 5, 6))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_the_same_weights_each_time_are_not_fresh():
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="give it a method rebuild"):
        fresh(model, 0)
    model.rebuild = lambda seed: model
    with pytest.raises(ValueError, match="same weights each time.*state="):
        fresh(model, 0)

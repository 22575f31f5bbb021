"""Masks: the highest entries, drawn entries, entries alone that train."""

import copy

import torch
from torch import nn

from kit.parts.freezing import highest, hold, share_of, shuffled, zero


def test_of_equal_scores_the_first_are_the_highest():
    scores = torch.tensor([[1.0, 3.0], [3.0, 3.0]])
    assert highest(scores, 2).tolist() == [[False, True], [True, False]]
    assert not highest(scores, 0).any() and highest(scores, 9).all()


def test_masked_entries_are_0_and_others_stay():
    model = nn.Linear(3, 2)
    before, mask = copy.deepcopy(model), {"weight": torch.eye(2, 3, dtype=torch.bool)}
    zero(model, mask)
    assert (model.weight[mask["weight"]] == 0).all() and torch.equal(model.bias, before.bias)
    rest = ~mask["weight"]
    assert torch.equal(model.weight[rest], before.weight[rest])
    assert share_of(model, mask) == 2 / 8


def test_drawn_masks_are_as_large_and_repeat():
    mask = {"weight": torch.arange(100).view(10, 10) < 30}
    first, again, other = (shuffled(mask, seed)["weight"] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.sum() == 30 and not torch.equal(first, mask["weight"])


def test_what_is_held_stays_although_adam_moves_it():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    before, mask = copy.deepcopy(model), {"weight": torch.eye(2, 3, dtype=torch.bool)}
    put_back = hold(model, mask)
    assert model.weight.requires_grad and not model.bias.requires_grad
    step = torch.optim.AdamW([model.weight], lr=0.1, weight_decay=0.1)
    model(torch.randn(4, 3)).square().sum().backward()
    step.step()
    assert not torch.equal(model.weight, before.weight)
    put_back(0)
    allowed = mask["weight"]
    assert torch.equal(model.weight[~allowed], before.weight[~allowed])
    assert (model.weight[allowed] != before.weight[allowed]).all()

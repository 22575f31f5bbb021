"""The first-order update by hand."""

import torch

from kit.methods import influence_update
from kit.methods.access import Needs, TaskView


def test_one_step_by_hand(feature_task):
    """Weights of 0 give each of 4 classes 1/4: the gradient is (1/4 - [c = y]) x, and the biases do
    not move, for the labels stay the same."""
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1200, 4))
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    view = TaskView(feature_task, Needs(train="all", counterfactuals=True), 0)
    config = influence_update.Config(rate=0.5)
    influence_update.influence_update(model, view, config, seed=3)

    before, after = view.train.inputs().flatten(1), view.counterfactuals.inputs().flatten(1)
    redrawn = torch.rand(len(before), generator=torch.Generator().manual_seed(3)) < 0.5
    slope = 1 / 4 - torch.eye(4)[view.train.y]  # [n, 4]
    change = slope[redrawn].T @ (after - before)[redrawn] / len(before)
    assert change.abs().max() > 1e-3
    torch.testing.assert_close(model[1].weight.detach(), -0.5 * change, rtol=1e-3, atol=1e-6)
    assert model[1].bias.abs().max() < 1e-6

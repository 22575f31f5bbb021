"""User weights on a core: none are the core, and all ways of learning them agree."""

import copy

import pytest
import torch

import kit
from tests.conftest import distance, mixed

pytestmark = pytest.mark.slow  # learning the user weights takes seconds


def test_zeroing_gives_the_core(user_core, user_original, data):
    model = copy.deepcopy(user_original)
    model.zero()
    x = kit.tasks.forget_classes(data, [0]).test.inputs()
    assert torch.allclose(model(x), user_core(x), atol=1e-6)
    assert not torch.allclose(user_original(x), user_core(x), atol=1e-2)


def test_learning_slowly_comes_near(user_core, user_original, user_task):
    model = mixed(user_core)
    model.learn_slowly(user_task.train, epochs=60)
    assert distance(model, user_original) < 0.5
    assert model.loss(user_task.train).loss(model.user.detach()) < 1.05 * user_original.loss(
        user_task.train
    ).loss(user_original.user.detach())

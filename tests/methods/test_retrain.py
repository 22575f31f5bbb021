"""Retraining."""

import pytest
import torch

import kit


def test_retrain_needs_a_model_that_can_be_rebuilt(task):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 4))
    with pytest.raises(ValueError, match="rebuild"):
        kit.unlearn("retrain", model, task)

"""What every network of the kit has, and how others are told."""

import pytest
from torch import nn

import kit
from kit.models.base import check_classifier


def test_networks_that_were_not_wrapped_are_told_how(task):
    class Vgg(nn.Module):
        features = nn.Sequential()

    with pytest.raises(ValueError, match=r"Vgg has no head and no stages: .*kit\.models\.wrap"):
        check_classifier(Vgg())
    with pytest.raises(ValueError, match="Linear has no head and no features and no stages"):
        check_classifier(nn.Linear(1, 1))
    check_classifier(kit.models.build("cnn", task, width=2))

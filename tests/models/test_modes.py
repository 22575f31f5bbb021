"""Each part of a network gets back the mode it had."""

import pytest
from torch import nn

from kit.models.modes import evaluating


def test_each_part_gets_its_mode_back():
    net = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())
    net.train()[0].eval()
    with evaluating(net):
        assert not any(part.training for part in net.modules())
    assert [part.training for part in net.modules()] == [True, False, True]
    with pytest.raises(RuntimeError), evaluating(net):
        raise RuntimeError
    assert [part.training for part in net.modules()] == [True, False, True]

"""Filters in front of a network."""

from torch import nn

from kit.parts.filters import make_remover


def test_an_open_remover_changes_nothing(feature_task):
    remover = make_remover(feature_task.train, seed=0)
    for parameter in remover.parameters():
        nn.init.zeros_(parameter)
    nn.init.constant_(remover.last.bias, 20.0)
    x = feature_task.test.inputs()[:50]
    assert (remover.eval()(x) - x).abs().max() < 1e-3

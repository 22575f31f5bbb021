"""Requests to forget a feature: drawn as asked, and with the other value."""

import pytest
import torch

import kit
from kit.datasets.toy import toy_data


@pytest.fixture(scope="module")
def mini():
    return kit.datasets.load("fashion-mnist-mini")


@pytest.mark.parametrize("correlation", [0.95, 0.7])
def test_correlation_is_as_asked(mini, correlation):
    task = kit.tasks.forget_feature(mini, "glyph", correlation=correlation)
    common = torch.isin(task.train.y, torch.tensor([0, 3, 4, 5, 9]))
    goes_with = task.train_values[:, 0] == common
    error = (correlation * (1 - correlation) / len(goes_with)) ** 0.5
    assert abs(goes_with.double().mean() - correlation) < 3 * error
    for split, values in ((task.retain, task.retain_values), (task.test, task.test_values)):
        with_class = values[:, 0] == torch.isin(split.y, torch.tensor([0, 3, 4, 5, 9]))
        assert abs(with_class.double().mean() - 0.5) < 3 * (0.25 / len(split)) ** 0.5


def test_counterfactuals_have_the_other_value():
    task = kit.tasks.forget_feature(toy_data(size=20), "glyph")
    drawn = task.drawing
    assert torch.equal(task.counterfactuals.x, drawn.train(1 - task.annotations))
    assert torch.equal(task.train.x, drawn.train(task.annotations))
    assert torch.equal(task.forget.x, task.train.x[task.train_values[:, 0] == 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attribute": "smile"}, "no attribute 'smile'; choose of shape, tint, glyph, mark"),
        ({"attribute": ("glyph", "glyph")}, "more than once"),
        ({"correlation": 1.0}, "between 0 and 1"),
        ({"common": [7]}, "0..3"),
        ({"common": [0, 1, 2, 3]}, "all classes"),
    ],
)
def test_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        kit.tasks.forget_feature(toy_data(size=20), **({"attribute": "glyph"} | change))

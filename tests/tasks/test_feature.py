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
        ({"common": [0.5]}, "common must be whole numbers, got 0.5"),
        ({"common": "4"}, "common: toy has no class called '4'"),
        ({"common": []}, "common is empty"),
        ({"within": [0.0]}, "within must be whole numbers"),
        ({"within": []}, "within names no image"),
        ({"within": [0], "common": [3]}, "no image that was trained on has glyph"),
        ({"attribute": 3}, "no attribute 3; choose of"),
        ({"attribute": None}, "no attribute None; choose of"),
        ({"common": [0, 1, 2, 3]}, "all classes"),
    ],
)
def test_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        kit.tasks.forget_feature(toy_data(size=20), **({"attribute": "glyph"} | change))


@pytest.mark.parametrize("shape", [(4, 20, 20), (3, 7, 7), (3, 12, 20), (1, 20, 12)])
def test_refuses_images_that_nothing_can_be_drawn_into(shape):
    y = torch.tensor([0, 1] * 4)
    data = kit.datasets.ImageData(
        "odd", torch.full((8, *shape), 9, dtype=torch.uint8), y,
        torch.full((8, *shape), 9, dtype=torch.uint8), y, ["a", "b"],
    )  # fmt: skip
    size = " x ".join(map(str, shape))
    with pytest.raises(ValueError, match=f"squares of at least 8 pixels; odd has images of {size}"):
        kit.tasks.forget_feature(data, "tint")


def test_classes_by_name_and_rows_by_mask():
    data = toy_data(size=20)
    half = torch.arange(len(data.train_y)) % 2 == 0
    task = kit.tasks.forget_feature(data, "glyph", common=["3", "1"], within=half)
    same = kit.tasks.forget_feature(data, "glyph", common=[1, 3], within=half.nonzero().flatten())
    assert task.fingerprint == same.fingerprint and len(task.train) == 120

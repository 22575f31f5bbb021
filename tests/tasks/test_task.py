"""Requests partition the data exactly, and those that make no sense are refused."""

import numpy as np
import pytest
import torch

import kit


def test_class_splits_partition(data):
    task = kit.tasks.forget_classes(data, [2, 0])
    assert task.forget_classes == [0, 2] and task.name == "class:0+2"
    rows = torch.cat([task.forget.rows, task.retain.rows])
    assert torch.equal(rows.sort().values, torch.arange(len(data.train_y)))
    assert set(task.forget.y.tolist()) == {0, 2} and set(task.retain.y.tolist()) == {1, 3}
    assert set(task.test_forget.y.tolist()) == {0, 2} and set(task.test_retain.y.tolist()) == {1, 3}
    assert len(task.test_forget) + len(task.test_retain) == len(task.test) == len(data.test_y)
    assert torch.equal(task.forget.x, data.train_x[task.forget.rows])


def test_requests_one_after_another(data):
    task = kit.tasks.forget_classes(data, [3], forgotten=[1])
    assert set(task.retain.y.tolist()) == {0, 2} and set(task.forget.y.tolist()) == {3}
    assert 1 not in task.train.y and 1 not in task.test.y
    with pytest.raises(ValueError, match="forgotten already"):
        kit.tasks.forget_classes(data, [1], forgotten=[1])


def test_sample_splits_partition(data):
    task = kit.tasks.forget_samples(data, [5, 0, 17])
    assert task.forget.rows.tolist() == [0, 5, 17] and task.name == "sample:3"
    assert len(task.retain) == len(data.train_y) - 3
    assert task.test_forget is None and len(task.test_retain) == len(data.test_y)


@pytest.mark.parametrize(
    "classes, message",
    [
        ([], "empty"),
        ([4], r"\[4\] do not exist.*0..3"),
        ([-1], "do not exist"),
        ([0, 0], "more than once"),
        ([0, 1, 2, 3], "nothing to retain"),
    ],
)
def test_refuses_classes(data, classes, message):
    with pytest.raises(ValueError, match=message):
        kit.tasks.forget_classes(data, classes)


@pytest.mark.parametrize(
    "indices, message",
    [
        ([], "empty"),
        ([240], "0..239"),
        ([3, 3], "more than once"),
        (range(240), "nothing to retain"),
    ],
)
def test_refuses_samples(data, indices, message):
    with pytest.raises(ValueError, match=message):
        kit.tasks.forget_samples(data, list(indices))


def test_random_rows(data):
    rows = kit.tasks.random_rows(data, 5, seed=1)
    assert len(rows.unique()) == 5 and rows.max() < len(data.train_y)
    assert torch.equal(rows, kit.tasks.random_rows(data, 5, seed=1))
    assert len(kit.tasks.random_rows(data, np.int64(5))) == 5
    for count in (0, -3, 241, 2.5, True, "5", None):
        with pytest.raises(ValueError, match=f"count must lie in 1..240 images, got {count!r}"):
            kit.tasks.random_rows(data, count)


def test_refuses_a_class_without_images(data):
    y = torch.where(data.train_y == 3, 0, data.train_y)
    hollow = kit.datasets.ImageData(
        "hollow", data.train_x, y, data.test_x, data.test_y, data.classes
    )
    with pytest.raises(ValueError, match="no train images of the classes to forget"):
        kit.tasks.forget_classes(hollow, [3])


def test_tasks_within_some_rows(data):
    """The data set of a shadow model: a part of the images, and nothing else in any split."""
    within = torch.arange(0, len(data.train_y), 2)
    by_class = kit.tasks.forget_classes(data, [1], within=within)
    by_sample = kit.tasks.forget_samples(data, [0, 4], within=within)
    for task in (by_class, by_sample):
        assert torch.equal(task.train.rows, within)
        both = torch.cat([task.forget.rows, task.retain.rows]).sort().values
        assert torch.equal(both, within)
    assert by_class.forget.y.unique().tolist() == [1] and by_sample.forget.rows.tolist() == [0, 4]
    with pytest.raises(ValueError, match="not trained on"):
        kit.tasks.forget_samples(data, [1], within=within)
    with pytest.raises(ValueError, match="leaves nothing"):
        kit.tasks.forget_samples(data, within, within=within)

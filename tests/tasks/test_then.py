"""Requests that follow one another."""

from dataclasses import replace

import pytest
import torch

import kit
from kit.tasks import forget_classes, forget_samples


@pytest.fixture
def data():
    images = torch.randint(2, 255, (12, 1, 4, 4), dtype=torch.uint8)
    labels = torch.arange(12) % 4
    data = kit.datasets.from_tensors("toy", images, labels, images, labels, list("abcd"))
    return replace(data, train_files=tuple(f"{n}.png" for n in range(12)))


def test_a_class_after_a_class_is_as_forgotten_says(data):
    first = forget_classes(data, "a").then(classes="b")
    same = forget_classes(data, "b", forgotten="a")
    assert first.fingerprint == same.fingerprint and first.validation is None
    third = first.then(classes="c")
    assert third.fingerprint == forget_classes(data, "c", forgotten=["a", "b"]).fingerprint


def test_images_after_images_are_no_validation(data):
    task = forget_samples(data, [0, 1], within=range(10)).then(indices=[2])
    assert task.train.rows.tolist() == list(range(2, 10)) and task.forget.rows.tolist() == [2]
    assert task.validation.rows.tolist() == [10, 11]
    again = task.then(files="3.png")
    assert again.train.rows.tolist() == list(range(3, 10))
    assert again.validation.rows.tolist() == [10, 11]


def test_images_and_classes_in_turn(data):
    first = forget_samples(data, [1, 2])  # one of b, one of c
    second = first.then(classes="b")
    assert second.forget.rows.tolist() == [5, 9] and second.validation is None
    third = second.then(indices=[0])
    assert set(third.train.rows.tolist()) == {0, 3, 4, 6, 7, 8, 10, 11}
    assert 1 not in third.test.y and third.test_forget is None
    assert third.validation is None


@pytest.mark.parametrize(
    "asked, message",
    [({}, "give one of classes, indices and files, got 0"),
     ({"classes": "b", "indices": [1]}, "got 2"),
     ({"classes": "a"}, "forgotten already"), ({"indices": [0]}, "forgotten already"),
     ({"files": "4.png"}, "forgotten already"),
     ({"classes": ["b", "c", "d"]}, "forgetting all 4 classes")],
)  # fmt: skip
def test_what_cannot_follow(data, asked, message):
    with pytest.raises(ValueError, match=message):
        forget_classes(data, "a").then(**asked)


def test_a_feature_is_followed_by_nothing():
    data = kit.datasets.load("fashion-mnist-mini").thinned(0.02)
    with pytest.raises(ValueError, match="forgets a feature cannot be followed"):
        kit.tasks.forget_feature(data, "glyph").then(classes=[0])

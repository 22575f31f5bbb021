"""The explorer: which pictures it takes, and what of them it shows."""

import base64
import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import kit
from kit.plots.explorer import _first, _pictures, _plane, _png
from kit.plots.touch import touch_html


@pytest.fixture(scope="module")
def task():
    return kit.tasks.forget_classes(kit.datasets.load("fashion-mnist-mini"), classes=[3])


@pytest.fixture(scope="module")
def models(task):
    return {
        name: kit.models.build("lenet", task, seed=i) for i, name in enumerate(("one", "other"))
    }


def test_first_of_each_class():
    assert _first(torch.tensor([1, 0, 1, 0, 1]), 2) == [1, 3, 0, 2]


def test_a_picture_survives(task):
    pixels = task.forget.x[0]
    png = base64.b64decode(_png(pixels).split(",")[1])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), pixels[0].numpy())


def test_pictures_and_splits_agree(task):
    source, splits = _pictures(task, 2)
    labels = [task.data.classes[int(y)] for split in splits for y in split.y]
    assert source.data["label"] == labels and len(labels) == 2 + 2 + 18
    stars = [mark == "star" for mark in source.data["marker"]]
    assert stars == [label == task.data.classes[3] for label in labels]


def test_the_plane_is_the_same_each_time(models, task):
    _, splits = _pictures(task, 1)
    once, again = (_plane(models["one"], task, splits) for _ in range(2))
    assert once == again and len(once[0]) == 11


def test_figures_are_the_same_each_time(monkeypatch, models, task):
    pages = []
    monkeypatch.setattr(
        sys.modules["kit.plots.explorer"], "touch",
        lambda model, alt, first: pages.append(touch_html(model, alt, first)),
    )  # fmt: skip
    for _ in range(2):
        kit.plots.explorer(models, task, each=1)
        kit.plots.threshold(models, task)
    assert pages[0] == pages[2] and pages[1] == pages[3]
    assert max(map(len, pages)) < 1_000_000

"""Shared fixtures: a toy task that trains in a second, and a cache of the tests' own."""

import os

import pytest
import torch

import kit

os.environ["KIT_PROGRESS"] = "0"  # read when a bar is made


CLUSTERS = ("_ray_", "_dask_", "_flower_", "_secure_", "_over_the_network")  # one at a time


def pytest_collection_modifyitems(items):
    """With several workers (``make test``) a file's tests stay together, and share what it trains;
    the contracts stay together method by method."""
    for item in items:
        group = item.path.stem
        if group == "test_contracts":
            group = getattr(item, "callspec", None) and item.callspec.params.get("name") or group
        elif any(word in item.name for word in CLUSTERS):
            group = "clusters"
        item.add_marker(pytest.mark.xdist_group(group))


def toy_data(
    per_class: int = 60, num_classes: int = 4, size: int = 12, signal: float = 0.4
) -> kit.datasets.ImageData:
    """Noisy images with one bright quadrant per class: easy, and learned in a second."""
    generator = torch.Generator().manual_seed(0)
    parts = []
    for count in (per_class, 20):
        y = torch.arange(num_classes).repeat_interleave(count)
        x = torch.rand(len(y), 1, size, size, generator=generator) * 0.5
        half = size // 2
        for c in range(num_classes):
            row, column = divmod(c, 2)
            rows, columns = (slice(k * half, (k + 1) * half) for k in (row, column))
            x[y == c, :, rows, columns] += signal
        parts += [x, y]
    return kit.datasets.from_tensors("toy", *parts)


TOY_RECIPE = kit.Recipe(epochs=6, batch_size=32, lr=0.1, bf16=False)


@pytest.fixture(scope="session")
def data():
    return toy_data()


@pytest.fixture(scope="session")
def task(data):
    return kit.tasks.forget_classes(data, [1])


@pytest.fixture(scope="session")
def original(task):
    model = kit.models.build("resnet8", task, width=8)
    kit.fit(model, task.train, TOY_RECIPE)
    return model


@pytest.fixture(scope="session")
def retrained(task):
    model = kit.models.build("resnet8", task, width=8, seed=1)
    kit.fit(model, task.retain, TOY_RECIPE, seed=1)
    return model


@pytest.fixture(scope="session")
def feature_task():
    """A sign in a corner of larger toy images, whose classes are hard to tell without it."""
    data = toy_data(per_class=100, size=20, signal=0.06)
    return kit.tasks.forget_feature(data, "glyph", common=[0, 3])


@pytest.fixture(scope="session")
def feature_original(feature_task):
    model = kit.models.build("cnn", feature_task, width=8)
    recipe = kit.Recipe(epochs=10, batch_size=32, optimizer="adam", lr=5e-3, bf16=False)
    kit.fit(model, feature_task.train, recipe)
    return model

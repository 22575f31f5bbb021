"""Caltech-256: photographs of several sizes."""

import numpy as np
import pytest
from PIL import Image

import kit
from kit.datasets import caltech

RNG = np.random.default_rng(0)


def write_caltech(root, images=(4, 3)):
    """Two classes of photographs in several sizes, named as in the archive."""
    folder = root / "caltech256" / "256_ObjectCategories"
    for number, count in enumerate(images, 1):
        place = folder / f"{number:03d}.thing-{number}"
        place.mkdir(parents=True)
        for k in range(1, count + 1):
            pixels = RNG.integers(0, 255, (30 + k, 50, 3), np.uint8)
            Image.fromarray(pixels).save(place / f"{number:03d}_{k:04d}.jpg")
    return folder


def test_caltech256(tmp_path, monkeypatch):
    monkeypatch.setattr(caltech, "TRAIN_IMAGES", 2)
    write_caltech(tmp_path)
    data = kit.datasets.load("caltech256", root=tmp_path)
    assert data.classes == ["001.thing-1", "002.thing-2"]
    assert data.train_x.shape == (4, 3, 224, 224) and data.test_y.tolist() == [0, 0, 1]
    monkeypatch.setattr(caltech, "TRAIN_IMAGES", 3)
    with pytest.raises(ValueError, match="no more than 3 images of 002.thing-2"):
        kit.datasets.load("caltech256", root=tmp_path)
    with pytest.raises(FileNotFoundError, match="Three ways"):
        kit.datasets.load("caltech256", root=tmp_path / "absent")

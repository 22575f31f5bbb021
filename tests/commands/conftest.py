"""A small folder of pictures in mixed shapes, and networks trained on it by ``kit train``."""

import numpy as np
import pytest
from PIL import Image

from kit.__main__ import main

CLASSES = ("cat", "dog", "fox")
COLOURS = {"cat": (200, 60, 60), "dog": (60, 200, 60), "fox": (60, 60, 200)}


def draw(folder, count=12, classes=CLASSES):
    """Noisy pictures of one colour a class, no two of one shape."""
    random = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for n in range(count):
            height, width = random.integers(20, 60, 2)
            noise = random.integers(-50, 50, (height, width, 3))
            pixels = np.clip(noise + COLOURS[name], 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{n:02}.png")
    return folder


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """The folder, as a user stands beside it; nothing of other tests is in the cache."""
    monkeypatch.setenv("KIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return draw(tmp_path / "pets")


TRAIN = "train pets --model lenet --image-size 32 --epochs 3 --test-share 0.3"


def run(command, capsys):
    """Exit status and what was printed of a command."""
    status = main(command.split())
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def net(pets, capsys):
    """The weights file of a network that was trained on the folder."""
    assert run(f"{TRAIN} --out net.safetensors", capsys)[0] == 0
    return pets.parent / "net.safetensors"

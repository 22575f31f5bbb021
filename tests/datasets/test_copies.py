"""Copies of pixels in a file go to a file where they are large."""

from dataclasses import replace

import pytest
import torch

from kit.datasets import store
from kit.datasets.data import ImageData
from kit.datasets.mapped import Mapped

PIXELS = torch.randint(0, 256, (24, 3, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
LABELS = torch.arange(24) % 2
NEAR = ImageData("near", PIXELS, LABELS, PIXELS[:6], LABELS[:6], ["a", "b"])


@pytest.fixture
def far(cached):
    """The same in a file."""
    made = store.Pictures(store.place("far"), 24, (3, 8, 8), lambda at: PIXELS[at])
    made.made()
    return replace(NEAR, train_x=made.part(0, 24), test_x=made.part(0, 6))


CHANGES = {
    "held_out": lambda data: data.held_out(0.5),
    "thinned": lambda data: data.thinned(0.5),
    "thinned otherwise": lambda data: data.thinned(0.5, seed=1),
    "resized": lambda data: data.resized(3),
    "larger": lambda data: data.resized(5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_the_same_wherever_they_lie(far, change, monkeypatch):
    near = CHANGES[change](NEAR)
    small = CHANGES[change](far)
    assert not isinstance(small.train_x, Mapped)
    monkeypatch.setattr(store, "IN_MEMORY", 100)  # bytes
    large = CHANGES[change](far)
    assert isinstance(large.train_x, Mapped) and isinstance(large.test_x, Mapped)
    for copied in (small, large):
        assert torch.equal(copied.train_x, near.train_x)
        assert torch.equal(copied.test_x, near.test_x)
        assert copied.fingerprint == near.fingerprint
    others = [CHANGES[other](far).train_x.file for other in CHANGES if other != change]
    assert large.train_x.file not in others


def test_copies_of_what_lies_in_memory_stay_there(monkeypatch):
    monkeypatch.setattr(store, "IN_MEMORY", 100)  # bytes
    assert not isinstance(NEAR.held_out(0.5).train_x, Mapped)
    assert not isinstance(NEAR.resized(5).train_x, Mapped)

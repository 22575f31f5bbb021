"""Many pictures read at once."""

import threading
import time
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from kit.datasets import reading
from kit.datasets.pictures import Broken
from kit.datasets.reading import in_order, processors, read_files


@pytest.fixture
def files(tmp_path):
    """Forty pictures, of which every seventh is broken."""
    rng, files = np.random.default_rng(0), [tmp_path / f"{i:02}.png" for i in range(40)]
    for file in files:
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).save(file)
    for file in files[::7]:
        file.write_bytes(b"no picture")
    return files


def test_in_parallel_as_one_by_one(files):
    found = []
    for threads in (1, 2, 8):
        with pytest.warns(UserWarning, match="left out 6 of 40") as told:
            found.append(read_files(files, 8, on_error="skip", threads=threads))
        found[-1] += (str(told[0].message),)
    for images, kept, said in found:
        assert kept == [i for i in range(40) if i % 7] and said == found[0][2]
        assert torch.equal(images, found[0][0]) and images.shape == (34, 3, 8, 8)
    assert len({image.numpy().tobytes() for image in found[0][0]}) == 34


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_order_whoever_is_first(threads):
    def read(at):
        time.sleep(0.003 * (at % 3))
        if at == 5:
            raise Broken("five")
        return at

    found = list(in_order(read, range(12), threads))
    assert isinstance(found.pop(5), Broken) and found == [0, 1, 2, 3, 4, *range(6, 12)]


def test_pictures_are_read_at_the_same_time():
    meeting = threading.Barrier(3, timeout=10)
    assert len(list(in_order(lambda at: meeting.wait(), range(3), threads=3))) == 3


@pytest.mark.parametrize("threads", [1, 2])
def test_other_errors_and_interruptions_stop_at_once(threads):
    begun = []

    def read(at):
        begun.append(at)
        if at == 3:
            raise KeyboardInterrupt
        time.sleep(0.002)

    with pytest.raises(KeyboardInterrupt):
        list(in_order(read, range(10_000), threads))
    time.sleep(0.05)
    assert len(begun) <= 3 + threads * (reading.AHEAD + 2)


def test_few_results_wait_for_their_turn(monkeypatch):
    monkeypatch.setattr(reading, "AHEAD", 2)
    begun = []
    found = in_order(begun.append, range(100), threads=2)
    next(found)
    time.sleep(0.05)
    assert len(begun) <= 6
    found.close()


def test_the_warnings_are_filtered_as_before(files, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 80)
    before = list(warnings.filters)
    with pytest.raises(
        ValueError, match="40 of 40 files are broken:(.|\n)*01.png cannot .* could be decom"
    ):
        read_files(files, 8, threads=4)
    assert list(warnings.filters) == before


def test_at_least_one_processor():
    assert 1 <= processors() <= 1024

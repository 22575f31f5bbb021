"""Pixels in a file, as a tensor."""

import copy
import json
import multiprocessing
import pickle
import warnings

import pytest
import torch

from kit.datasets import mapped as module
from kit.datasets.mapped import Mapped, chunks, mapped, remembered
from kit.datasets.split import Split

PIXELS = torch.arange(6 * 48).to(torch.uint8).view(6, 3, 4, 4)


@pytest.fixture
def images(tmp_path):
    (tmp_path / "pixels").write_bytes(PIXELS.numpy().tobytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return mapped(tmp_path / "pixels", 1, (4, 3, 4, 4))


def test_a_part_of_a_file(images):
    assert isinstance(images, Mapped) and images.dtype == torch.uint8
    assert torch.equal(images, PIXELS[1:5])


def test_what_is_taken_or_calculated_lies_in_memory(images):
    taken = images[torch.tensor([3, 0])]
    assert torch.equal(taken, PIXELS[[4, 1]])
    for result in (taken, images[1:3], images[2], images.float(), images + 1, *images.split(2)):
        assert type(result) is torch.Tensor
    taken += 1  # a copy
    assert torch.equal(images, PIXELS[1:5])


def test_a_copy_is_the_same_file(images):
    assert copy.deepcopy(images) is images and copy.copy(images).file == images.file
    sent = pickle.dumps(images)
    assert b"pixels" in sent and PIXELS[1].numpy().tobytes() not in sent and len(sent) < 400
    arrived = pickle.loads(sent)
    assert isinstance(arrived, Mapped) and torch.equal(arrived, PIXELS[1:5])
    assert arrived.start == images.start


def _sum(split):
    return int(split.x.long().sum())


def test_a_split_goes_to_another_process_without_its_pixels(images):
    rows, ones = torch.tensor([1, 3]), torch.ones(3)
    split = Split(images, torch.arange(4), rows, ones, ones, 4, "train")
    alone = split.alone()
    assert alone.pixels is images and torch.equal(alone.x, PIXELS[[2, 4]])
    assert alone.y.tolist() == [1, 3] and len(pickle.dumps(alone)) < 4000
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_sum, (alone,)) == _sum(split)


def test_a_file_that_is_gone(images, tmp_path):
    sent = pickle.dumps(images)
    (tmp_path / "pixels").rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="pixels is gone or cut short: load the data set again"):
        pickle.loads(sent)


def test_chunks_are_all_images_in_their_order(images, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 100)  # bytes: two of 48
    assert [len(some) for some in chunks(images)] == [2, 2]
    assert torch.equal(torch.cat([*chunks(images)]), PIXELS[1:5])
    monkeypatch.setattr(module, "CHUNK", 1)
    assert len([*chunks(images)]) == 4
    assert [len(some) for some in chunks(PIXELS[:0])] == [0]


def test_what_follows_is_remembered_beside_the_file(images, tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return [1, 0.1]

    for _ in range(2):
        assert remembered([images], "what", compute) == [1, 0.1]
    assert len(calls) == 1
    remembered([images], "another thing", compute)
    remembered([mapped(images.file, 0, (4, 3, 4, 4))], "what", compute)
    remembered([images, images], "what", compute)
    assert len(calls) == 4
    for file in tmp_path.glob("fact-*.json"):
        file.write_text(json.dumps([1, 0.1])[:4])  # cut short
    assert remembered([images], "what", compute) == [1, 0.1] and len(calls) == 5
    for _ in range(2):  # nothing is kept of what lies in memory
        remembered([images, PIXELS], "what", compute)
    assert len(calls) == 7

"""A folder of pictures whose pixels go to a file is the same data set as in memory."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

import kit
from kit.datasets import store
from kit.datasets.mapped import Mapped
from tests.conftest import same
from tests.datasets.test_folder import write_classes, write_folder


@pytest.fixture
def both(tmp_path, cached):
    """The same pictures in memory and in a file, train and test."""
    write_classes(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "00.png").write_bytes(b"no picture")

    def read(**options):
        options = {"in_memory": False, "on_error": "skip"} | options
        with pytest.warns(UserWarning, match="left out 1 of 60"):
            return kit.datasets.from_folder(tmp_path / "pets", 8, **options)

    return read(in_memory=True), read(), read


def test_pixels_in_a_file_are_those_in_memory(both):
    near, far, read = both
    assert isinstance(far.train_x, Mapped) and isinstance(far.test_x, Mapped)
    assert not isinstance(near.train_x, Mapped)
    for of in ("train_x", "train_y", "test_x", "test_y"):
        assert torch.equal(getattr(near, of), getattr(far, of))
    assert near.fingerprint == far.fingerprint and near.train_files == far.train_files
    assert torch.equal(torch.stack(near.statistics), torch.stack(far.statistics))
    again = read()
    assert again.fingerprint == near.fingerprint and again.train_x.file == far.train_x.file


def test_a_network_trained_from_a_file_is_the_one_trained_from_memory(both):
    networks = []
    for data in both[:2]:
        task = kit.tasks.forget_files(data, ["cat/02.png"], within=range(20))
        networks.append(kit.models.build("resnet8", data, width=4))
        recipe = kit.Recipe(epochs=1, batch_size=8, lr=0.1, bf16=False)
        kit.fit(networks[-1], task.retain, recipe)
    assert same(*networks)


def test_what_follows_from_pixels_in_a_file_is_computed_once(both, monkeypatch):
    near, far, read = both
    known = (far.fingerprint, far.statistics, kit.tasks.forget_classes(far, ["cat"]).train)
    pixels = known[2].fingerprint()
    for module in (kit.datasets.data, kit.datasets.split, kit.datasets.statistics):
        monkeypatch.setattr(module, "chunks", None)
    monkeypatch.setattr(kit.datasets.data, "_largest", lambda images: 255)
    again = read()
    assert again.fingerprint == known[0] and torch.equal(again.statistics[1], known[1][1])
    split = kit.tasks.forget_classes(again, ["dog"]).train
    assert split.fingerprint() == pixels
    monkeypatch.undo()
    assert kit.tasks.forget_classes(near, ["cat"]).train.fingerprint() == pixels
    renamed = replace(far, classes=["dog", "cat"])
    assert renamed.fingerprint == replace(near, classes=["dog", "cat"]).fingerprint != known[0]


def test_pictures_that_changed_are_read_again(both, tmp_path):
    _, far, read = both
    file = tmp_path / "pets" / "dog" / "05.png"
    Image.new("RGB", (8, 8), (1, 2, 3)).save(file)
    data = read()
    assert data.train_x.file != far.train_x.file
    assert (1, 2, 3) in {tuple(x[:, 0, 0].tolist()) for x in (*data.train_x, *data.test_x)}
    before = file.stat()
    Image.new("RGB", (8, 8), (3, 2, 1)).save(file)
    assert file.stat().st_size == before.st_size  # only the time tells
    data = read()
    assert (3, 2, 1) in {tuple(x[:, 0, 0].tolist()) for x in (*data.train_x, *data.test_x)}
    assert read(resize="pad").train_x.file != data.train_x.file != read(seed=1).train_x.file


def test_many_pixels_go_to_a_file(tmp_path, cached, monkeypatch):
    write_folder(tmp_path / "pets")
    monkeypatch.setattr(store, "IN_MEMORY", 8 * 3 * 8 * 8)  # bytes: just enough
    near = kit.datasets.from_folder(tmp_path / "pets", 8)
    assert not isinstance(near.train_x, Mapped)
    monkeypatch.setattr(store, "IN_MEMORY", 8 * 3 * 8 * 8 - 1)
    assert isinstance(kit.datasets.from_folder(tmp_path / "pets", 8).train_x, Mapped)
    said = "8 pictures of 0.00 GB go to a file.*pass image_size=, or in_memory=True"
    with pytest.raises(ValueError, match=said):
        kit.datasets.from_folder(tmp_path / "pets")
    kept = kit.datasets.from_folder(tmp_path / "pets", in_memory=True)
    assert not isinstance(kept.train_x, Mapped) and kept.fingerprint == near.fingerprint
    with pytest.raises(ValueError, match="go to a file"):
        kit.datasets.from_folder(tmp_path / "pets", in_memory=False)

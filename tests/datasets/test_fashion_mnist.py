"""The embedded set and the files it is cut from, whole and damaged."""

import gzip

import numpy as np
import pytest

import kit
from kit.datasets import fashion_mnist

RNG = np.random.default_rng(0)


def test_mini_is_balanced_and_fixed():
    data = kit.datasets.load("fashion-mnist-mini")
    assert data.train_y.bincount().tolist() == [1000] * 10
    assert data.test_y.bincount().tolist() == [200] * 10
    assert data.train_x.shape == (10_000, 1, 28, 28) and data.fingerprint == "2ba40419cb17c03c"
    assert fashion_mnist.MINI.stat().st_size < 6e6
    assert "MIT License" in fashion_mnist.MINI.with_suffix(".LICENSE").read_text()


def test_mini_is_made_by_the_command(tmp_path, monkeypatch):
    """The first images of each class in file order; twice the same bytes."""
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "absent")
    monkeypatch.setattr(fashion_mnist, "MINI_PER_CLASS", {"train": 2, "test": 1})
    write_fashion(tmp_path / "FashionMNIST" / "raw", per_class=5)
    full = kit.datasets.load("fashion-mnist", root=tmp_path)
    a, b = (fashion_mnist.make_mini(tmp_path, tmp_path / f"{n}.npz") for n in "ab")
    assert a.read_bytes() == b.read_bytes()
    with np.load(a) as mini:
        assert np.bincount(mini["train_y"]).tolist() == [2] * 10
        first = (full.train_y == 0).nonzero().flatten()[:2]
        assert (mini["train_x"][mini["train_y"] == 0] == full.train_x[first, 0].numpy()).all()


def write_fashion(folder, per_class=2, compress=True):
    folder.mkdir(parents=True)
    for part, n in (("train", 10 * per_class), ("t10k", 10)):
        x = RNG.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        y = (np.arange(n) % 10).astype(np.uint8)
        for name, array in ((f"{part}-images-idx3-ubyte", x), (f"{part}-labels-idx1-ubyte", y)):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            raw = header + array.tobytes()
            path = folder / (f"{name}.gz" if compress else name)
            path.write_bytes(gzip.compress(raw) if compress else raw)


@pytest.mark.parametrize("compress", [True, False])
def test_fashion_mnist(tmp_path, compress):
    write_fashion(tmp_path / "FashionMNIST" / "raw", compress=compress)
    data = kit.datasets.load("fashion-mnist", root=tmp_path)
    assert data.train_x.shape == (20, 1, 28, 28) and data.test_x.shape == (10, 1, 28, 28)
    assert data.train_y.tolist() == [*range(10)] * 2 and data.classes[9] == "ankle boot"


@pytest.mark.parametrize("damage", ["truncated gzip", "truncated", "other format"])
def test_fashion_mnist_damaged(tmp_path, damage):
    folder = tmp_path / "FashionMNIST" / "raw"
    write_fashion(folder)
    file = folder / "train-images-idx3-ubyte.gz"
    raw = gzip.decompress(file.read_bytes())
    file.write_bytes(
        {
            "truncated gzip": file.read_bytes()[:100],
            "truncated": gzip.compress(raw[:-1]),
            "other format": gzip.compress(b"not an idx file"),
        }[damage]
    )
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz is (corrupt|not an IDX)"):
        kit.datasets.load("fashion-mnist", root=tmp_path)

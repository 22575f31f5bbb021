"""CIFAR and SVHN in their own formats, whole and damaged."""

import hashlib
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

import kit

RNG = np.random.default_rng(0)
CIFAR = pytest.mark.parametrize(
    "name, kind", [("cifar10", "CIFAR10"), ("cifar100", "CIFAR100")], indirect=["kind"]
)


@pytest.fixture
def kind(request):
    """torchvision's class of that name."""
    from torchvision import datasets  # takes seconds to import

    return getattr(datasets, request.param)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_cifar(root, kind, monkeypatch, n=4):
    """torchvision's own layout, its checksums replaced by those of the small files."""
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    hundred = kind.__name__ == "CIFAR100"
    lists = {}
    for attribute in ("train_list", "test_list"):
        lists[attribute] = []
        for name, _ in getattr(kind, attribute):
            batch = {
                "data": RNG.integers(0, 256, (n, 3072), dtype=np.uint8),
                "fine_labels" if hundred else "labels": [*range(n)],
            }
            (folder / name).write_bytes(pickle.dumps(batch))
            lists[attribute].append([name, md5(folder / name)])
    meta = folder / kind.meta["filename"]
    classes = [f"c{i}" for i in range(100 if hundred else 10)]
    meta.write_bytes(pickle.dumps({kind.meta["key"]: classes}))
    lists["meta"] = kind.meta | {"md5": md5(meta)}
    for attribute, value in lists.items():
        monkeypatch.setattr(kind, attribute, value)
    return folder


@CIFAR
def test_cifar(tmp_path, monkeypatch, name, kind):
    folder = write_cifar(tmp_path, kind, monkeypatch)
    data = kit.datasets.load(name, root=tmp_path)
    assert data.train_x.shape[1:] == (3, 32, 32) and data.num_classes == (
        100 if "100" in name else 10
    )
    first = pickle.loads((folder / kind.train_list[0][0]).read_bytes())["data"][0]
    assert torch.equal(data.train_x[0].flatten(), torch.from_numpy(first))  # channel, row, column
    assert data.train_y[:4].tolist() == [0, 1, 2, 3]


@CIFAR
def test_cifar_damaged(tmp_path, monkeypatch, name, kind):
    folder = write_cifar(tmp_path, kind, monkeypatch)
    file = folder / kind.train_list[0][0]
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ValueError, match=f"{name}.*corrupt.*download=True"):
        kit.datasets.load(name, root=tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("side", [32, 40])
def test_cifar_as_a_tree_of_files_keeps_its_own_name(tmp_path, name, side):
    for part in ("train", "test"):
        for c in ("a", "b"):
            folder = tmp_path / f"{name}-jpeg" / part / c
            folder.mkdir(parents=True)
            Image.new("RGB", (side, side), "red").save(folder / "0000.jpg", quality=75)
    data = kit.datasets.load(name, root=tmp_path)
    assert data.name == f"{name}-jpeg" and data.train_x.shape == (2, 3, 32, 32)


def write_svhn(root, monkeypatch):
    from torchvision.datasets import SVHN

    folder = root / "svhn"
    folder.mkdir()
    files = {}
    for part, (url, name, _) in SVHN.split_list.items():
        x = RNG.integers(0, 256, (32, 32, 3, 6), dtype=np.uint8)
        savemat(folder / name, {"X": x, "y": np.array([[1], [2], [3], [10], [5], [6]])})
        files[part] = [url, name, md5(folder / name)]
    monkeypatch.setattr(SVHN, "split_list", files)
    return folder


def test_svhn(tmp_path, monkeypatch):
    write_svhn(tmp_path, monkeypatch)
    data = kit.datasets.load("svhn", root=tmp_path)
    assert data.train_x.shape == (6, 3, 32, 32)
    assert data.train_y.tolist() == [1, 2, 3, 0, 5, 6]  # the file writes 10 for the digit 0


def test_svhn_damaged(tmp_path, monkeypatch):
    folder = write_svhn(tmp_path, monkeypatch)
    (folder / "train_32x32.mat").write_bytes(b"broken")
    with pytest.raises(ValueError, match="svhn.*corrupt"):
        kit.datasets.load("svhn", root=tmp_path)

"""The real loading code on small files in each set's own format, whole and damaged."""

import gzip
import hashlib
import pickle
import zipfile
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torchvision import datasets as tv

import kit
from kit.datasets import caltech, fashion_mnist, omniglot

RNG = np.random.default_rng(0)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


# --- the embedded set


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


# --- Fashion-MNIST


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


# --- CIFAR


def write_cifar(root, kind, monkeypatch, n=4):
    """torchvision's own layout, its checksums replaced by those of the small files."""
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    hundred = kind is tv.CIFAR100
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


@pytest.mark.parametrize("name, kind", [("cifar10", tv.CIFAR10), ("cifar100", tv.CIFAR100)])
def test_cifar(tmp_path, monkeypatch, name, kind):
    folder = write_cifar(tmp_path, kind, monkeypatch)
    data = kit.datasets.load(name, root=tmp_path)
    assert data.train_x.shape[1:] == (3, 32, 32) and data.num_classes == (
        100 if "100" in name else 10
    )
    first = pickle.loads((folder / kind.train_list[0][0]).read_bytes())["data"][0]
    assert torch.equal(data.train_x[0].flatten(), torch.from_numpy(first))  # channel, row, column
    assert data.train_y[:4].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name, kind", [("cifar10", tv.CIFAR10), ("cifar100", tv.CIFAR100)])
def test_cifar_damaged(tmp_path, monkeypatch, name, kind):
    folder = write_cifar(tmp_path, kind, monkeypatch)
    file = folder / kind.train_list[0][0]
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ValueError, match=f"{name}.*corrupt.*download=True"):
        kit.datasets.load(name, root=tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_as_a_tree_of_files_keeps_its_own_name(tmp_path, name):
    for part in ("train", "test"):
        for c in ("a", "b"):
            folder = tmp_path / f"{name}-jpeg" / part / c
            folder.mkdir(parents=True)
            Image.new("RGB", (32, 32), "red").save(folder / "0000.jpg", quality=75)
    data = kit.datasets.load(name, root=tmp_path)
    assert data.name == f"{name}-jpeg" and data.train_x.shape == (2, 3, 32, 32)


# --- SVHN


def write_svhn(root, monkeypatch):
    folder = root / "svhn"
    folder.mkdir()
    files = {}
    for part, (url, name, _) in tv.SVHN.split_list.items():
        x = RNG.integers(0, 256, (32, 32, 3, 6), dtype=np.uint8)
        savemat(folder / name, {"X": x, "y": np.array([[1], [2], [3], [10], [5], [6]])})
        files[part] = [url, name, md5(folder / name)]
    monkeypatch.setattr(tv.SVHN, "split_list", files)
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


# --- Caltech-256


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


# --- Omniglot


def write_omniglot(root, doubles=1):
    """Two archives of three characters each, of which ``doubles`` are the same."""
    folder = root / "omniglot"
    folder.mkdir(parents=True)
    for number, archive in enumerate(omniglot.ARCHIVES):
        with zipfile.ZipFile(folder / archive, "w") as file:
            for character in range(3):
                name = character + number * (3 - doubles)
                for drawing in range(20):
                    pixels = np.full((105, 105), 255, np.uint8)
                    pixels[name * 10 : name * 10 + 10, drawing * 5 : drawing * 5 + 5] = 0
                    png = BytesIO()
                    Image.fromarray(pixels).convert("1").save(png, "PNG")
                    member = (
                        f"{archive[:-4]}/Latin/character{name:02d}/{name:04d}_{drawing:02d}.png"
                    )
                    file.writestr(member, png.getvalue())
    return folder


def test_omniglot_small(tmp_path):
    write_omniglot(tmp_path)
    data = kit.datasets.load("omniglot-small", root=tmp_path)
    assert data.classes == [f"Latin/character0{i}" for i in range(5)]  # the double is dropped
    assert data.train_x.shape == (5 * 16, 1, 32, 32) and data.test_y.bincount().tolist() == [4] * 5
    assert data.train_x.float().mean() < 20  # ink is bright on a dark ground


@pytest.mark.parametrize("content", [b"", b"PK broken"])
def test_omniglot_damaged(tmp_path, content):
    folder = write_omniglot(tmp_path)
    (folder / "images_background_small2.zip").write_bytes(content)
    with pytest.raises(ValueError, match="small2.zip is corrupt"):
        kit.datasets.load("omniglot-small", root=tmp_path)


# --- folders


def write_folder(root, size=8, classes=("cat", "dog")):
    for part, n in (("train", 3), ("test", 1)):
        for name in classes:
            (root / part / name).mkdir(parents=True)
            for i in range(n):
                pixels = RNG.integers(0, 256, (size, size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{i}.png")


def test_folder(tmp_path):
    write_folder(tmp_path)
    data = kit.datasets.from_folder(tmp_path, name="pets")
    assert data.name == "pets" and data.classes == ["cat", "dog"]
    assert data.train_x.shape == (6, 3, 8, 8) and data.train_y.tolist() == [0] * 3 + [1] * 3
    with Image.open(tmp_path / "train" / "cat" / "0.png") as image:
        assert torch.equal(data.train_x[0].permute(1, 2, 0), torch.from_numpy(np.array(image)))
    small = kit.datasets.from_folder(tmp_path, image_size=4, grey=True)
    assert small.train_x.shape == (6, 1, 4, 4)


def test_folder_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match="train/<class>"):
        kit.datasets.from_folder(tmp_path / "absent")
    write_folder(tmp_path)
    odd = tmp_path / "train" / "cat" / "9.png"
    Image.new("RGB", (9, 9)).save(odd)
    with pytest.raises(ValueError, match="9.png is 9x9.*image_size="):
        kit.datasets.from_folder(tmp_path)
    odd.write_bytes((tmp_path / "train" / "cat" / "0.png").read_bytes()[:60])
    with pytest.raises(ValueError, match="9.png cannot be read"):
        kit.datasets.from_folder(tmp_path)
    odd.unlink()
    (tmp_path / "test" / "bird").mkdir()
    with pytest.raises(ValueError, match="no images in .*bird"):
        kit.datasets.from_folder(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "test" / "bird" / "0.png")
    with pytest.raises(ValueError, match="only in one: .*bird"):
        kit.datasets.from_folder(tmp_path)


# --- all of them


@pytest.mark.parametrize("name", [n for n in kit.datasets.names() if n != "fashion-mnist-mini"])
def test_absent_data_names_three_ways(tmp_path, monkeypatch, name):
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"\(1\).*download=True.*\(2\).*\(3\) set KIT_DATA"):
        kit.datasets.load(name, root=tmp_path)


def test_unknown_data_set():
    with pytest.raises(ValueError, match="unknown data set 'mnist'.*fashion-mnist-mini"):
        kit.datasets.load("mnist")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"train_x": torch.full((4, 1, 8, 8), float("nan"))}, "4 of the training.*NaN"),
        ({"train_x": torch.full((4, 1, 8, 8), 2.0)}, r"must lie in \[0, 1\]"),
        ({"train_x": torch.zeros(4, 8, 8)}, "must be uint8"),
        ({"train_y": torch.tensor([0, 1, 0])}, "one label per image"),
        ({"train_y": torch.tensor([0, 1, 2, 7]), "classes": ["a", "b"]}, "0..1.*found 0..7"),
        ({"train_y": torch.tensor([0, 1, 0, -1]), "classes": ["a", "b"]}, "found -1..1"),
        ({"test_x": torch.zeros(2, 1, 9, 9)}, "both must agree"),
        ({"test_x": torch.zeros(0, 1, 8, 8), "test_y": torch.zeros(0), "classes": ["a", "b"]},
         "no test"),
    ],
)  # fmt: skip
def test_refuses_tensors(change, message):
    good = {
        "train_x": torch.rand(4, 1, 8, 8), "train_y": torch.tensor([0, 1, 0, 1]),
        "test_x": torch.rand(2, 1, 8, 8), "test_y": torch.tensor([0, 1]),
    }  # fmt: skip
    kit.datasets.from_tensors("good", **good)
    with pytest.raises(ValueError, match=message):
        kit.datasets.from_tensors("bad", **good | change)

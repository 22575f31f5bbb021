"""Photographs by name: from folders, from archives, in official layouts, and the set that ships."""

import pytest
import torch
from PIL import Image

import kit
from kit.datasets import photographs
from kit.datasets.photographs import MINI, SMALLER, make_caltech_mini
from kit.datasets.strips import write_strips


def tree(root, parts, classes=("n01", "n02"), size=(20, 20), suffix="JPEG"):
    """``root/<part>/<class>/*``: in each class two pictures in a colour of its own."""
    for part in parts:
        for number, name in enumerate(classes):
            (root / part / name).mkdir(parents=True)
            for k in range(2):
                colour = (200 * number, 50 * k, 0)
                Image.new("RGB", size, colour).save(root / part / name / f"{name}_{k}.{suffix}")


def test_caltech_mini_ships():
    data = kit.datasets.load("caltech-mini", root="/nowhere")
    assert data.train_x.shape == (300, 3, 64, 64) and data.test_x.shape == (200, 3, 64, 64)
    assert data.train_y.bincount().tolist() == [30] * 10
    assert data.test_y.bincount().tolist() == [20] * 10
    assert "lotus" in data.classes and data.train_files[0] == "bonsai/image_0007.jpg"
    assert MINI.stat().st_size < 2e6
    licence = MINI.with_suffix(".LICENSE").read_text()
    assert "CC BY 4.0" in licence and "10.22002/D1.20086" in licence


def test_no_photograph_stands_in_both_parts():
    data = kit.datasets.load("caltech-mini")
    train, test = (x.float().flatten(1) for x in (data.train_x, data.test_x))
    assert torch.cdist(train, test).min() > 500  # of at most 28,000


def test_making_caltech_mini(tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "MINI_CLASSES", ["bee", "ant"])
    strips = {
        f"{part}/{name}": torch.full((2, 3, 128, 128), level, dtype=torch.uint8)
        for part, name, level in [("train", "ant", 10), ("train", "bee", 90), ("train", "cow", 150),
                                  ("test", "ant", 20), ("test", "bee", 80), ("test", "cow", 140)]
    }  # fmt: skip
    files = {name: ["x.jpg", "y.jpg"] for name in strips}
    write_strips(tmp_path / SMALLER["caltech101-128"].archive, strips, files)
    made = make_caltech_mini(tmp_path, tmp_path / "mini.tar")
    again = make_caltech_mini(tmp_path, tmp_path / "mini.tar").read_bytes()
    assert made.read_bytes() == again
    data = photographs.read_strips(made, "mini")
    assert data.classes == ["ant", "bee"] and data.image_size == 64
    assert data.test_x.float().mean((1, 2, 3)).round().tolist() == [20, 20, 80, 80]


SIDES = {
    "cifar10-jpeg": 32, "tinyimagenet100-jpeg": 32, "caltech101-128": 128, "imagenette-128": 128,
    "imagewoof-128": 128,
}  # fmt: skip


@pytest.mark.parametrize("name", SMALLER)
@pytest.mark.parametrize("size", [(20, 20), (150, 200), (128, 128)])
def test_smaller_sets_from_a_folder(tmp_path, name, size):
    tree(tmp_path / name, ["train", "test"], size=size, suffix="png")
    data = kit.datasets.load(name, root=tmp_path)
    assert data.name == name and data.classes == ["n01", "n02"]
    assert data.train_x[2, 0].float().mean() == 200
    assert data.train_x.shape == (4, 3, SIDES[name], SIDES[name])


@pytest.mark.parametrize("name", SMALLER)
def test_the_middle_of_oblong_pictures(tmp_path, name):
    """Squashed, the white ends would be seen."""
    tree(tmp_path / name, ["train", "test"], suffix="png")
    picture = Image.new("RGB", (400, 200), "white")
    picture.paste("red", (90, 0, 310, 200))
    picture.save(tmp_path / name / "train" / "n01" / "n01_0.png")
    green = kit.datasets.load(name, root=tmp_path).train_x[0, 1]
    assert green.max() == 0


@pytest.mark.parametrize("name", SMALLER)
def test_pictures_of_the_right_size_stay_as_they_are(tmp_path, name):
    side = SIDES[name]
    for part in ("train", "test"):
        (tmp_path / name / part / "ant").mkdir(parents=True)
        noise = torch.randint(256, (side, side, 3), dtype=torch.uint8)
        Image.fromarray(noise.numpy()).save(tmp_path / name / part / "ant" / "0.png")
    data = kit.datasets.load(name, root=tmp_path)
    assert data.fingerprint == kit.datasets.from_folder(tmp_path / name).fingerprint


@pytest.mark.parametrize("name", [name for name, set_ in SMALLER.items() if set_.archive])
def test_smaller_sets_from_their_archive(tmp_path, name):
    strips = {
        f"{p}/ant": torch.full((2, 3, 16, 16), 7, dtype=torch.uint8) for p in ("train", "test")
    }
    files = {strip: ["a.jpg", "b.jpg"] for strip in strips}
    write_strips(tmp_path / SMALLER[name].archive, strips, files)
    data = kit.datasets.load(name, root=tmp_path)
    assert data.name == name and len(data.train_y) == 2


@pytest.mark.parametrize("name", ["imagenette", "imagewoof"])
@pytest.mark.parametrize("version", ["2-160", "2-320", "2"])
def test_official_layout_of_imagenette(tmp_path, name, version):
    tree(tmp_path / f"{name}{version}", ["train", "val"], size=(200, 160))
    data = kit.datasets.load(name, root=tmp_path)
    assert data.name == name and data.image_size == 160
    assert (len(data.train_y), len(data.test_y)) == (4, 4)


def test_imagenette_of_half_a_folder(tmp_path):
    tree(tmp_path / "imagenette2-160", ["train"])
    with pytest.raises(FileNotFoundError, match="imagenette2-160/val is not there"):
        kit.datasets.load("imagenette", root=tmp_path)


@pytest.mark.parametrize("version", ["2-320", "2"])
def test_what_is_there_is_not_downloaded(tmp_path, monkeypatch, version):
    tree(tmp_path / f"imagenette{version}", ["train", "val"], size=(200, 160))
    monkeypatch.setattr("torchvision.datasets.Imagenette", lambda *_, **__: pytest.fail("asked"))
    assert len(kit.datasets.load("imagenette", root=tmp_path, download=True).train_y) == 4


def test_what_is_not_there_is_downloaded_once(tmp_path, monkeypatch):
    """torchvision's archive holds both parts: it is asked once."""

    def fetch(root, split="train", size="full", download=False):
        assert download and size == "160px"
        tree(root / "imagenette2-160", ["train", "val"], size=(200, 160))  # fails a second time

    monkeypatch.setattr("torchvision.datasets.Imagenette", fetch)
    for _ in range(2):
        assert len(kit.datasets.load("imagenette", root=tmp_path, download=True).train_y) == 4

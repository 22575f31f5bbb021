"""Faces by person. All pictures here are drawn: there is nobody in them."""

import tarfile

import numpy as np
import pytest
from PIL import Image

import kit


@pytest.fixture
def people(tmp_path):
    """``faces50``: two people with 2 + 1 + 1 grey pictures."""
    for part, count in (("train", 2), ("validation", 1), ("test", 1)):
        for number, person in enumerate(["00403", "00659"]):
            (tmp_path / "faces50" / part / person).mkdir(parents=True)
            for k in range(count):
                file = tmp_path / "faces50" / part / person / f"{k}.jpg"
                Image.new("L", (20, 20), 100 * number + 20).save(file)
    return tmp_path


def check(data):
    assert data.name == "faces50" and data.classes == ["00403", "00659"]
    assert data.train_x.shape == (4, 3, 20, 20) and len(data.test_y) == 4
    assert data.train_x.float().mean((1, 2, 3)).round().tolist() == [20, 20, 120, 120]
    assert data.test_y.tolist() == [0, 0, 1, 1]  # validation and test


def test_faces50_from_folders(people):
    check(kit.datasets.load("faces50", root=people))


def test_faces50_from_its_archive(people, tmp_path):
    with tarfile.open(tmp_path / "celeba_50faces_150.tar", "w") as tar:
        tar.add(people / "faces50", "celeba_50faces_150")
    (people / "faces50").rename(people / "elsewhere")
    check(kit.datasets.load("faces50", root=tmp_path))


def test_a_damaged_archive_of_faces(tmp_path):
    (tmp_path / "celeba_50faces_150.tar").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="celeba_50faces_150.tar is damaged"):
        kit.datasets.load("faces50", root=tmp_path)


@pytest.mark.parametrize("name", ["orl_faces", "att_faces"])
def test_orl_from_its_own_folder(tmp_path, name):
    for person in (1, 2, 10):
        (tmp_path / name / f"s{person}").mkdir(parents=True)
        for k in range(1, 11):
            level = 20 * person + k
            Image.new("L", (92, 112), level).save(tmp_path / name / f"s{person}" / f"{k}.pgm")
    data = kit.datasets.load("orl-faces", root=tmp_path)
    assert data.classes == ["person 1", "person 2", "person 10"]
    assert data.train_y.bincount().tolist() == [7] * 3 and data.test_x.shape == (9, 1, 32, 32)
    levels = data.test_x.float().mean((1, 2, 3)).tolist()
    assert levels[:3] == [28, 29, 30]  # pictures 8, 9, 10, by number and not by letter


def test_orl_from_an_array(tmp_path):
    people = np.arange(40).repeat(10)
    images = np.broadcast_to((people * 6)[:, None, None], (400, 32, 32)).astype(np.uint8)
    np.savez(tmp_path / "orl_faces_32.npz", images=images, people=people)
    data = kit.datasets.load("orl-faces", root=tmp_path)
    assert data.num_classes == 40 and len(data.train_y) == 280 and len(data.test_y) == 120
    assert (data.train_x[:, 0, 0, 0] == 6 * data.train_y).all()


def test_an_array_of_something_else(tmp_path):
    np.savez(tmp_path / "orl_faces_32.npz", other=np.zeros(3))
    with pytest.raises(ValueError, match="orl_faces_32.npz does not hold the faces"):
        kit.datasets.load("orl-faces", root=tmp_path)


def test_an_empty_folder(tmp_path):
    (tmp_path / "orl_faces").mkdir()
    with pytest.raises(ValueError, match="holds no s1/1.pgm"):
        kit.datasets.load("orl-faces", root=tmp_path)


def test_faces50_that_are_incomplete(people):
    data = kit.datasets.load("faces50", root=people)
    assert data.train_files[:2] == ("00403/0.jpg", "00403/1.jpg")
    folder = people / "faces50"
    for part in ("validation", "test"):
        (folder / part / "00659" / "0.jpg").unlink()
    with pytest.raises(ValueError, match="no picture in validation or test of 00659"):
        kit.datasets.load("faces50", root=people)
    (folder / "train").rename(folder / "training")
    with pytest.raises(ValueError, match="faces50 has no folder train with a folder for each"):
        kit.datasets.load("faces50", root=people)


def test_orl_whose_images_and_people_do_not_agree(tmp_path):
    np.savez(tmp_path / "orl_faces_32.npz", images=np.zeros((4, 32, 32), np.uint8),
             people=np.arange(3))  # fmt: skip
    with pytest.raises(ValueError, match="does not hold the faces: images .4, 32, 32., people"):
        kit.datasets.load("orl-faces", root=tmp_path)
    (tmp_path / "orl_faces_32.npz").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match="does not hold the faces"):
        kit.datasets.load("orl-faces", root=tmp_path)

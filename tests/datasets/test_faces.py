"""Faces by person. All pictures here are drawn: there is nobody in them."""

import tarfile
import tempfile

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
    data = kit.datasets.load("faces50", root=people)
    check(data)
    assert len(data.train_files) == 4
    assert data.train_files[2] == str(people / "faces50" / "train" / "00659" / "0.jpg")


@pytest.fixture
def pack(people):
    """Puts the folder as it is then into the archive."""

    def packed():
        with tarfile.open(people / "celeba_50faces_150.tar", "w") as tar:
            tar.add(people / "faces50", "celeba_50faces_150")
        (people / "faces50").rename(people / "elsewhere")
        return people / "celeba_50faces_150.tar"

    return packed


def test_faces50_from_its_archive(people, pack):
    pack()
    data = kit.datasets.load("faces50", root=people)
    check(data)
    assert data.train_files == ("00403/0.jpg", "00403/1.jpg", "00659/0.jpg", "00659/1.jpg")


def test_a_damaged_archive_of_faces(people, pack):
    archive = pack()
    for content in (b"nothing", archive.read_bytes()[:3000]):
        archive.write_bytes(content)
        with pytest.raises(ValueError, match="celeba_50faces_150.tar is damaged"):
            kit.datasets.load("faces50", root=people)


def test_no_sentence_names_a_folder_that_is_gone(people, pack):
    (people / "faces50" / "train" / "00659" / "0.jpg").write_bytes(b"no picture")
    archive = pack()
    with pytest.raises(ValueError, match="celeba_50faces_150.tar is damaged") as error:
        kit.datasets.load("faces50", root=people)
    assert tempfile.gettempdir() not in str(error.value).replace(str(archive), "")
    assert " celeba_50faces_150/train/00659/0.jpg cannot be read" in str(error.value)


def test_faces50_in_files_of_other_kinds(people):
    """Suffixes of all sorts count; hidden files, texts and what lies beside people do not."""
    folder = people / "faces50" / "train"
    Image.new("L", (20, 20), 20).save(folder / "00403" / "2.JPG")
    Image.new("L", (20, 20), 20).save(folder / "00403" / "3.jpeg")
    Image.new("L", (20, 20), 20).save(folder / "00403" / "4.png")
    for odd in ("00403/._0.jpg", "00403/note.txt", ".DS_Store", "list.txt"):
        (folder / odd).write_bytes(b"odd")
    (folder / "__MACOSX").mkdir()
    data = kit.datasets.load("faces50", root=people)
    assert data.classes == ["00403", "00659"] and data.train_y.tolist() == [0] * 5 + [1] * 2
    assert data.train_files[2] == str(folder / "00403" / "2.JPG")


def test_faces50_without_a_person(people):
    folder = people / "faces50"
    (folder / "test" / "00700").mkdir()
    Image.new("L", (20, 20), 9).save(folder / "test" / "00700" / "0.jpg")
    with pytest.raises(ValueError, match="faces50/train: there is no picture of 00700"):
        kit.datasets.load("faces50", root=people)
    (folder / "test" / "00700").rename(folder / "train" / "00700")
    with pytest.raises(ValueError, match="validation and test: there is no picture of 00700"):
        kit.datasets.load("faces50", root=people)


def test_faces50_without_validation(people):
    """One of the two is enough to test with."""
    (people / "faces50" / "validation").rename(people / "validation")
    assert kit.datasets.load("faces50", root=people).test_y.tolist() == [0, 1]


def test_faces50_without_train(people):
    (people / "faces50" / "train").rename(people / "train")
    for _ in range(2):
        with pytest.raises(ValueError, match="faces50 has no folder train with a folder for each"):
            kit.datasets.load("faces50", root=people)
        (people / "faces50" / "train").mkdir(exist_ok=True)  # an empty one


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


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((4, 32, 32), np.uint8)}, "KeyError: 'people"),
        ({"images": np.zeros((4, 32, 32), np.uint8), "people": np.arange(3)}, "do not agree"),
        ({"images": np.zeros((4, 32, 32), np.uint8), "people": np.ones((4, 2))}, "do not agree"),
        ({"images": np.zeros((4, 9, 9), np.uint8), "people": np.arange(4)}, "do not agree"),
        ({"images": np.zeros((4, 3), np.uint8), "people": np.arange(4)}, "do not agree"),
        ({"images": np.uint8(4), "people": np.uint8(4)}, "TypeError"),
        ({"images": np.zeros((8, 32, 32), np.uint8), "people": np.ones(8)}, "whole numbers, got f"),
        ({"images": np.zeros((8, 32, 32)), "people": np.ones(8, int)}, "must be uint8"),
        ({"images": np.zeros((7, 32, 32), np.uint8), "people": np.ones(7, int)}, "person 1 has no"),
        ({"images": np.array(["a"], object), "people": np.ones(1, int)}, "allow_pickle"),
    ],
)
def test_arrays_that_are_no_faces(tmp_path, arrays, message):
    np.savez(tmp_path / "orl_faces_32.npz", **arrays)
    with pytest.raises(ValueError, match=f"orl_faces_32.npz is damaged or of ano.*{message}"):
        kit.datasets.load("orl-faces", root=tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"hello", "array", "half"])
def test_files_that_are_no_arrays(tmp_path, content):
    file = tmp_path / "orl_faces_32.npz"
    if content == "array":
        with file.open("wb") as one:
            np.save(one, np.zeros(3))
    elif content == "half":
        np.savez(file, images=np.zeros((400, 32, 32), np.uint8), people=np.arange(400))
        file.write_bytes(file.read_bytes()[:5000])
    else:
        file.write_bytes(content)
    with pytest.raises(ValueError, match="orl_faces_32.npz is damaged or of another kind"):
        kit.datasets.load("orl-faces", root=tmp_path)


def test_folders_that_are_no_faces(tmp_path):
    folder = tmp_path / "orl_faces"
    folder.mkdir()
    with pytest.raises(ValueError, match="orl_faces is damaged.* s1/1.pgm to .* found none"):
        kit.datasets.load("orl-faces", root=tmp_path)
    (folder / "s1").mkdir()
    for k in range(1, 8):
        Image.new("L", (92, 112), k).save(folder / "s1" / f"{k}.pgm")
    with pytest.raises(
        ValueError, match="orl_faces is damaged.*person 1 has no more than 7 images"
    ):
        kit.datasets.load("orl-faces", root=tmp_path)
    (folder / "s1" / "._1.pgm").write_bytes(b"hidden")
    Image.new("L", (92, 112), 8).save(folder / "s1" / "8.pgm")
    assert len(kit.datasets.load("orl-faces", root=tmp_path).test_y) == 1
    (folder / "s1" / "8.pgm").rename(folder / "s1" / "eight.pgm")
    with pytest.raises(ValueError, match="orl_faces is damaged.*found .*s1/eight.pgm"):
        kit.datasets.load("orl-faces", root=tmp_path)

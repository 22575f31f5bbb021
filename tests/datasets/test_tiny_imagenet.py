"""Tiny-ImageNet in its official layout."""

import pytest
from PIL import Image

import kit


@pytest.fixture
def folder(tmp_path):
    """Two classes of three training images, and three validation images with their notes."""
    folder = tmp_path / "tiny-imagenet-200"
    for number, name in enumerate(["n01", "n02"]):
        (folder / "train" / name / "images").mkdir(parents=True)
        for k in range(3):
            file = folder / "train" / name / "images" / f"{name}_{k}.JPEG"
            Image.new("RGB", (64, 64), (100 * number, 0, 0)).save(file)
    (folder / "val" / "images").mkdir(parents=True)
    for k, colour in enumerate([(100, 0, 0), (0, 0, 0), (100, 0, 0)]):
        Image.new("L" if k == 1 else "RGB", (64, 64), 0 if k == 1 else colour).save(
            folder / "val" / "images" / f"val_{k}.JPEG"
        )
    notes = (
        "val_0.JPEG\tn02\t0\t0\t9\t9\nval_1.JPEG\tn01\t0\t0\t9\t9\nval_2.JPEG\tn02\t0\t0\t9\t9\n"
    )
    (folder / "val" / "val_annotations.txt").write_text(notes)
    return folder


def test_tiny_imagenet(folder):
    data = kit.datasets.load("tiny-imagenet", root=folder.parent)
    assert data.classes == ["n01", "n02"] and data.train_x.shape == (6, 3, 64, 64)
    assert data.train_y.tolist() == [0, 0, 0, 1, 1, 1] and data.test_y.tolist() == [1, 0, 1]
    red = data.test_x[:, 0].float().mean((1, 2))
    assert (red > 90).tolist() == [True, False, True]  # pictures and notes belong together
    assert data.train_files[3].endswith("n02_0.JPEG")


def test_without_notes(folder):
    (folder / "val" / "val_annotations.txt").unlink()
    with pytest.raises(ValueError, match="incomplete: it needs"):
        kit.datasets.load("tiny-imagenet", root=folder.parent)


def test_blanks_and_tabs_in_the_notes(folder):
    notes = folder / "val" / "val_annotations.txt"
    notes.write_bytes(b"val_0.JPEG n02 0 0 9 9\r\n \t\n\tval_1.JPEG \t n01\t0\n\n")
    data = kit.datasets.load("tiny-imagenet", root=folder.parent)
    assert data.test_y.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \t\n", "is empty"),
        (b"val_0.JPEG\tn77\t0\n", "names 'n77', which is no class in train"),
        (b"val_0.JPEG\tn02\nval_1.JPEG\n", "names no class for 'val_1.JPEG'"),
        (b"val_8.JPEG\tn02\nval_9.JPEG n01", "names 'val_8.JPEG', 'val_9.JPEG', not there in"),
        (b"".join(b"v%d n01\n" % k for k in range(7)), "names 'v0', .*'v4' and 2 more, not"),
        (b"\xff\xfe\x00" * 200 + b" n01", "names .*, not there in"),
    ],
)
def test_notes_of_something_else(folder, content, message):
    (folder / "val" / "val_annotations.txt").write_bytes(content)
    with pytest.raises(ValueError, match=f"val_annotations.txt {message}.*unpack") as error:
        kit.datasets.load("tiny-imagenet", root=folder.parent)
    assert type(error.value) is ValueError


def test_a_picture_that_is_broken(folder):
    (folder / "val" / "images" / "val_1.JPEG").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="val_1.JPEG cannot be read"):
        kit.datasets.load("tiny-imagenet", root=folder.parent)

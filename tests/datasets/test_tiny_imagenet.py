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


def test_a_note_of_another_class(folder):
    (folder / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn77\t0\t0\t9\t9\n")
    with pytest.raises(ValueError, match="val_annotations.txt names 'n77', which is no class"):
        kit.datasets.load("tiny-imagenet", root=folder.parent)


def test_without_notes(folder):
    (folder / "val" / "val_annotations.txt").unlink()
    with pytest.raises(ValueError, match="incomplete: it needs"):
        kit.datasets.load("tiny-imagenet", root=folder.parent)


def test_a_picture_that_is_not_there(folder):
    (folder / "val" / "images" / "val_1.JPEG").unlink()
    with pytest.raises(ValueError, match="val_1.JPEG cannot be read"):
        kit.datasets.load("tiny-imagenet", root=folder.parent)


def test_notes_with_blanks_and_without_any(folder):
    notes = folder / "val" / "val_annotations.txt"
    notes.write_text("val_0.JPEG n02 0 0 9 9\n\n")
    assert kit.datasets.load("tiny-imagenet", root=folder.parent).test_y.tolist() == [1]
    notes.write_text("\n")
    with pytest.raises(ValueError, match="val_annotations.txt is empty"):
        kit.datasets.load("tiny-imagenet", root=folder.parent)

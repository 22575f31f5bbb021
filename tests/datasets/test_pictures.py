"""Pictures as cameras and tools leave them: read as a viewer shows them, or named and refused."""

import io
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import kit
from kit.datasets.pictures import read_picture

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 18, 3)).astype(np.uint8)


def save(folder, name, picture, **options):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, **options)
    return file


def tree(folder, names=("cat", "dog")):
    """Two pictures of each class in each part."""
    for part in ("train", "test"):
        for name in names:
            for i in range(2):
                save(folder, f"{part}/{name}/{i}.png", Image.new("RGB", (8, 8), (9 * i, 0, 0)))
    return folder


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_the_camera_says(tmp_path, orientation):
    turns = {
        1: lambda p: p, 2: lambda p: p[:, ::-1], 3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1], 5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, -1), 7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: np.rot90(p),
    }  # fmt: skip
    picture = Image.fromarray(PIXELS)
    exif = picture.getexif()
    exif[0x0112] = orientation
    read = read_picture(save(tmp_path, "a.png", picture, exif=exif))
    assert np.array_equal(read.permute(1, 2, 0), turns[orientation](PIXELS))


def test_sixteen_bits_are_scaled_by_their_range(tmp_path):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for name in ("a.png", "a.tiff"):
        read = read_picture(save(tmp_path, name, Image.fromarray(ramp)), grey=True)
        assert read.flatten().tolist() == list(range(256))
    wide = Image.fromarray(np.array([[0, 70000]], np.int32))
    with pytest.raises(ValueError, match=r"a.tiff cannot be read .* more than 16 bits"):
        read_picture(save(tmp_path, "a.tiff", wide))


def test_floats_lie_between_0_and_1(tmp_path):
    good = Image.fromarray(np.array([[0, 0.5, 1]], np.float32))
    assert read_picture(save(tmp_path, "a.tiff", good), grey=True).tolist() == [[[0, 128, 255]]]
    for values in ([[0, 255.0]], [[np.nan, 0]]):
        bad = Image.fromarray(np.array(values, np.float32))
        with pytest.raises(ValueError, match=r"floats must lie in \[0, 1\]"):
            read_picture(save(tmp_path, "b.tiff", bad))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_shows_white(tmp_path, mode):
    clear = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    clear.putpixel((1, 0), (10, 10, 10, 255))
    options = {"transparency": 0} if mode == "P" else {}
    picture = clear.convert(mode)
    if mode == "P":
        picture = Image.new("P", (2, 1))
        picture.putpalette([0, 0, 0, 10, 10, 10])
        picture.putpixel((1, 0), 1)
    read = read_picture(save(tmp_path, "a.png", picture, **options))
    assert read[:, 0].T.tolist() == [[255] * 3, [10] * 3]


def test_oblong_pictures_become_squares(tmp_path):
    stripes = np.zeros((4, 8, 3), np.uint8)
    stripes[:, 2:6] = 200
    file = save(tmp_path, "a.png", Image.fromarray(stripes))
    assert (read_picture(file, 4, resize="crop") == 200).all()
    padded = read_picture(file, 8, resize="pad")
    assert padded.shape == (3, 8, 8) and (padded[:, :2] == 0).all() and (padded[:, 6:] == 0).all()
    assert torch.equal(padded[:, 2:6].permute(1, 2, 0), torch.from_numpy(stripes))
    assert 0 < read_picture(file, 4, resize="squash")[0, 0].float().mean() < 200
    with pytest.raises(ValueError, match="resize must be one of crop, pad, squash, got 'cut'"):
        read_picture(file, 4, resize="cut")


@QUICK
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 32),
       st.sampled_from(["crop", "pad", "squash"]))  # fmt: skip
def test_every_picture_becomes_the_square_that_was_asked_for(width, height, size, resize):
    file = io.BytesIO()
    Image.new("RGB", (width, height), (50, 60, 70)).save(file, "PNG")
    read = read_picture(file, size, resize=resize)
    assert read.shape == (3, size, size)
    if resize != "pad":
        assert read.flatten(1).unique(dim=1).T.tolist() == [[50, 60, 70]]


@QUICK
@given(st.sampled_from(["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"]), st.booleans())
def test_every_mode_is_read(mode, grey):
    file = io.BytesIO()
    picture = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000)
    picture = picture if mode == "I;16" else Image.fromarray(PIXELS).convert(mode)
    picture.save(file, "TIFF")
    read = read_picture(file, 8, grey=grey)
    assert read.dtype == torch.uint8 and read.shape == (1 if grey else 3, 8, 8)


def test_hidden_files_are_passed_over_and_others_counted(tmp_path):
    tree(tmp_path)
    for name in (".ipynb_checkpoints", "__MACOSX"):
        save(tmp_path, f"train/{name}/0.png", Image.new("RGB", (8, 8)))
    (tmp_path / "train/cat/._0.png").write_bytes(b"AppleDouble")
    (tmp_path / "train/cat/Thumbs.db").write_bytes(b"x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = kit.datasets.from_folder(tmp_path)
    assert data.classes == ["cat", "dog"] and len(data.train_y) == 4
    save(tmp_path, "train/dog/2.jfif", Image.new("RGB", (8, 8)), format="JPEG")
    save(tmp_path, "train/dog/more/3.png", Image.new("RGB", (8, 8)))
    for name in ("notes.txt", "4.HEIC", "5.heic", "README"):
        (tmp_path / "train/dog" / name).write_bytes(b"x")
    said = "left out 2 x .heic, 1 x .txt, 1 x file without a suffix, 1 x sub-folder; the package"
    with pytest.warns(UserWarning, match=said):
        assert len(kit.datasets.from_folder(tmp_path).train_y) == 5
    (tmp_path / "test/list.csv").write_text("x")
    with pytest.warns(UserWarning, match="1 x file beside the class folders"):
        kit.datasets.from_folder(tmp_path)


def test_a_name_is_the_same_however_its_accents_are_composed(tmp_path):
    tree(tmp_path, ["café", "thé"])
    (tmp_path / "test/café").rename(tmp_path / "test/cafe\u0301")
    assert kit.datasets.from_folder(tmp_path).classes == ["café", "thé"]
    (tmp_path / "train/cafe\u0301").mkdir()
    with pytest.raises(ValueError, match="two folders called 'café', to the eye the same"):
        kit.datasets.from_folder(tmp_path)


def test_all_broken_files_are_named_or_skipped(tmp_path):
    tree(tmp_path)
    good = (tmp_path / "train/cat/0.png").read_bytes()
    for i in range(12):
        (tmp_path / f"train/dog/bad{i}.png").write_bytes(good[: 20 + i])
    with pytest.raises(ValueError, match=r"12 of 20 files are broken") as refused:
        kit.datasets.from_folder(tmp_path)
    assert str(refused.value).count("bad") == 10 and "and 2 more" in str(refused.value)
    with pytest.warns(UserWarning, match="left out 12 of 20 files"):
        data = kit.datasets.from_folder(tmp_path, on_error="skip")
    assert torch.bincount(data.train_y).tolist() == [2, 2]
    with pytest.raises(ValueError, match="on_error must be one of raise, skip"):
        kit.datasets.from_folder(tmp_path, on_error="ignore")
    for i in range(2):
        (tmp_path / f"train/dog/{i}.png").write_bytes(b"")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no image of dog can be read"):
        kit.datasets.from_folder(tmp_path, on_error="skip")


def test_a_picture_that_would_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(ValueError, match="a.png cannot be read.*decompression bomb"):
        read_picture(save(tmp_path, "a.png", Image.new("RGB", (8, 8))))


@pytest.mark.parametrize(
    "x, y, sentence",
    [
        (np.zeros((6, 8, 8, 3), np.uint8), [0, 1, 2] * 2, "have their channels last"),
        (np.zeros((6, 8, 8), np.uint8), [0, 1, 2] * 2, "uint8 .n, channels, height, width"),
        (np.eye(8, dtype=np.uint8)[None, None].repeat(6, 0), [0, 1, 2] * 2, "is 1 of 255"),
        (np.zeros((6, 1, 8, 8), np.uint8), [0.0, 1.0, 2.0] * 2, "must be whole numbers"),
        (np.zeros((6, 1, 8, 8), np.uint8), np.eye(6), "of soft labels take the argmax"),
        (np.zeros((6, 1, 8, 8), np.uint8), [True, False] * 3, "must be whole numbers"),
        (np.zeros((6, 1, 8, 8), np.uint8), [0, 1, -1] * 2, "labels must lie in"),
        (np.full((6, 1, 8, 8), 3.0), [0, 1, 2] * 2, r"must lie in \[0, 1\]"),
        (np.full((6, 1, 8, 8), np.nan), [0, 1, 2] * 2, "NaN or infinite"),
    ],
)
def test_arrays_that_are_no_images_are_refused(x, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        kit.datasets.from_tensors("x", x, y, x, y, ["a", "b", "c"])

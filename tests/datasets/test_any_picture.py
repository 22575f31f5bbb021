"""Whatever a picture file holds is read as a viewer shows it, or refused by its name."""

import io
import random
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize

from kit.datasets.pictures import HEIC, suffixes
from kit.datasets.reading import read_files

EXTENSIONS = Image.registered_extensions()
QUICK = settings(max_examples=120, deadline=None, derandomize=True, database=None)
TURNED = {  # EXIF orientation -> how the file holds what the viewer shows
    1: lambda p: p, 2: np.fliplr, 3: lambda p: np.rot90(p, 2), 4: np.flipud,
    5: lambda p: p.swapaxes(0, 1), 6: np.rot90, 7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: lambda p: np.rot90(p, -1),
}  # fmt: skip
MODES = {  # mode: how the shades 0 to 255 are stored
    "1": lambda s: s > 127,
    "L": lambda s: s,
    "RGB": lambda s: np.stack([s, s, s], 2),
    "I;16": lambda s: s.astype(np.uint16) * 257,
    "F": lambda s: (s / 255).astype(np.float32),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


def read(file, image_size=None, **options):
    return read_files([file], image_size, **options)[0][0]


def save(pixels, file, orientation=1):
    picture = Image.fromarray(np.ascontiguousarray(TURNED[orientation](pixels)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(file, exif=exif)
    return file


def shades(width, height, seed):
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


@QUICK
@given(
    mode=st.sampled_from(sorted(MODES)), side=st.integers(1, 9), seed=st.integers(0, 99),
    orientation=st.integers(1, 8), grey=st.booleans(),
)  # fmt: skip
def test_shades_in_any_mode_and_turn(folder, mode, side, seed, orientation, grey):
    seen = shades(side, side, seed)
    suffix = "tiff" if mode == "F" else "png"
    file = save(MODES[mode](seen), folder / f"shades.{suffix}", orientation)
    expected = (seen > 127) * 255 if mode == "1" else seen
    got = read(file, grey=grey)
    assert got.dtype == torch.uint8 and len(got) == (1 if grey else 3)
    assert all(np.array_equal(channel, expected) for channel in got.numpy())


@QUICK
@given(
    mode=st.sampled_from(["LA", "RGBA", "P"]), alpha=st.integers(0, 255),
    shade=st.integers(0, 255), grey=st.booleans(),
)  # fmt: skip
def test_half_transparent_pictures_lie_on_white(folder, mode, alpha, shade, grey):
    file = folder / "clear.png"
    if mode == "P":
        picture = Image.new("P", (2, 2), 1)
        picture.putpalette([0, 0, 0] + [shade] * 3)
        picture.save(file, transparency=bytes([255, alpha]))
    else:
        Image.new(mode, (2, 2), (*[shade] * (len(mode) - 1), alpha)).save(file)
    expected = (shade * alpha + 255 * (255 - alpha)) / 255
    assert (read(file, grey=grey) - expected).abs().max() <= 1


@QUICK
@given(width=st.integers(1, 40), height=st.integers(1, 40), size=st.integers(1, 24))
def test_oblong_pictures_are_cropped_as_torchvision_does(folder, width, height, size):
    file = save(shades(width, height, 0), folder / "oblong.png")
    with Image.open(file) as picture:
        theirs = Compose([Resize(size), CenterCrop(size)])(picture)
    assert np.array_equal(read(file, size, grey=True)[0], np.array(theirs))


@QUICK
@given(
    kind=st.sampled_from(["PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF"]),
    seed=st.integers(0, 10**6), cut=st.booleans(), size=st.sampled_from([None, 6]),
)  # fmt: skip
def test_damaged_files_are_read_or_refused_by_name(folder, kind, seed, cut, size):
    buffer, rng = io.BytesIO(), random.Random(seed)
    Image.fromarray(MODES["RGB"](shades(8, 8, 0))).save(buffer, kind)
    raw = bytearray(buffer.getvalue())
    for _ in range(rng.randrange(1, 5)):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    file = folder / f"damaged.{kind.lower()}"
    file.write_bytes(raw[: rng.randrange(len(raw))] if cut else raw)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = read(file, size)
    except ValueError as error:
        assert str(file) in str(error)
    else:
        assert picture.dtype == torch.uint8 and len(picture) == 3


@pytest.mark.parametrize("content", [b"", b"<html>", b"version https://git-lfs.github.com/spec/v1"])
def test_files_that_are_no_pictures(tmp_path, content):
    (tmp_path / "no.jpg").write_bytes(content)
    with pytest.raises(ValueError, match="no.jpg cannot be read as an image: of no kind Pillow"):
        read(tmp_path / "no.jpg")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[0, 40]], np.float32), r"floats must lie in \[0, 1\], found 0..40"),
        (np.array([[-0.5, 1]], np.float32), r"floats must lie in \[0, 1\], found -0.5..1"),
        (np.array([[np.nan, 1]], np.float32), r"floats must lie in \[0, 1\], found nan..nan"),
        (np.array([[0, 200]], np.int32), "more than 16 bits: found 0..200; save it with 8 or 16"),
        (np.array([[-7, 900]], np.int32), "more than 16 bits: found -7..900"),
        (np.array([[0, 2**20]], np.int32), "more than 16 bits: found 0..1048576"),
    ],
)
def test_values_without_a_known_range(tmp_path, values, message):
    Image.fromarray(values).save(tmp_path / "x.tiff")
    with pytest.raises(ValueError, match=f"x.tiff cannot be read as an image: {message}"):
        read(tmp_path / "x.tiff", 2)


def test_sixteen_bits_in_thirty_two(tmp_path):
    Image.fromarray(np.array([[0, 32768], [257, 65535]], np.int32)).save(tmp_path / "x.tiff")
    assert read(tmp_path / "x.tiff", grey=True).tolist() == [[[0, 128], [1, 255]]]


def test_a_picture_too_large_to_be_safe(tmp_path, monkeypatch):
    Image.new("L", (9, 9)).save(tmp_path / "large.png")
    for limit in (80, 40):  # Pillow warns from the limit on, and refuses twice as much
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ValueError, match="large.png cannot be read .*decompression bomb"):
            read(tmp_path / "large.png")


def test_too_large_for_the_memory(tmp_path, monkeypatch):
    def full(*_):
        raise MemoryError

    Image.new("L", (9, 9)).save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "open", full)
    with pytest.raises(ValueError, match="x.png cannot be read as an image: MemoryError"):
        read(tmp_path / "x.png")


@pytest.mark.parametrize("how", ["crop", "pad"])
def test_lines_are_no_photographs(tmp_path, how):
    line = save(np.zeros((1, 101), np.uint8), tmp_path / "line.png")
    with pytest.raises(ValueError, match=f"line.png .*: 101 x 1 pixels are too oblong to {how}"):
        read(line, 4, resize=how)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resize": "stretch"}, "resize must be one of crop, pad, squash, got 'stretch'"),
        ({"on_error": "ignore"}, "on_error must be one of raise, skip, got 'ignore'"),
        ({"image_size": 0}, "image_size must be a number of pixels or None, got 0"),
        ({"image_size": 8.5}, "image_size must be a number of pixels or None, got 8.5"),
        ({"image_size": (8, 8)}, r"image_size must be a number of pixels or None, got \(8, 8\)"),
    ],
)
def test_no_file_is_blamed_for_a_setting(tmp_path, options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        read(tmp_path / "none.png", **options)


def test_suffixes_of_phones_need_their_package(monkeypatch):
    monkeypatch.setattr(Image, "EXTENSION", {k: v for k, v in EXTENSIONS.items() if k not in HEIC})
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert {".jpg", ".jfif", ".jpe", ".png", ".tif"} <= suffixes() and not HEIC & suffixes()
    package = SimpleNamespace(
        register_heif_opener=lambda: Image.register_extension("HEIF", ".heic")
    )
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    assert HEIC & suffixes() == {".heic"}

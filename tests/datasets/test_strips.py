"""Archives of strips: what is written comes back, and what is damaged is named."""

import tarfile
from io import BytesIO

import pytest
import torch
from PIL import Image

from kit.datasets.strips import cut_strip, read_strips, write_strips


def pictures(count, level):
    """Smooth pictures, which JPEG keeps well: ``count`` of 16 x 16, each a little brighter."""
    ramp = torch.arange(count)[:, None, None, None] * 20 + level
    return ramp.expand(-1, 3, 16, 16).to(torch.uint8).contiguous()


@pytest.fixture
def strips():
    return {
        "train/ant": pictures(3, 0), "train/bee": pictures(2, 100),
        "test/ant": pictures(1, 40), "test/bee": pictures(2, 180),
    }  # fmt: skip


def files_of(strips):
    return {name: [f"{n}.jpg" for n in range(len(images))] for name, images in strips.items()}


def test_there_and_back(tmp_path, strips):
    file = write_strips(tmp_path / "insects.tar", strips, files_of(strips))
    data = read_strips(file, "insects")
    assert data.classes == ["ant", "bee"] and data.name == "insects"
    assert data.train_y.tolist() == [0, 0, 0, 1, 1] and data.test_y.tolist() == [0, 1, 1]
    assert data.train_files == ("ant/0.jpg", "ant/1.jpg", "ant/2.jpg", "bee/0.jpg", "bee/1.jpg")
    want = torch.cat([strips["train/ant"], strips["train/bee"]]).int()
    assert (data.train_x.int() - want).abs().max() <= 2  # JPEG


def test_the_same_bytes_each_time(tmp_path, strips):
    one = write_strips(tmp_path / "a" / "s.tar", strips, files_of(strips)).read_bytes()
    assert one == write_strips(tmp_path / "b" / "s.tar", strips, files_of(strips)).read_bytes()


def test_a_picture_that_is_missing(tmp_path, strips):
    told = files_of(strips)
    told["test/bee"].append("more.jpg")
    file = write_strips(tmp_path / "s.tar", strips, told)
    with pytest.raises(ValueError, match="s.tar is damaged.*test/bee has 2 pictures, its list 3"):
        read_strips(file, "s")


def test_other_classes_in_the_test_part(tmp_path, strips):
    del strips["test/bee"]
    file = write_strips(tmp_path / "s.tar", strips, files_of(strips))
    with pytest.raises(ValueError, match="s.tar is damaged.*it holds no file s/test/bee.jpg"):
        read_strips(file, "s")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_files_of_another_kind(tmp_path, content):
    file = tmp_path / "s.tar"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="s.tar is damaged or of another kind.*get it again") as e:
        read_strips(file, "s")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("bytes_left", [100, 600, 2000, 4000])
def test_an_archive_that_is_cut_short(tmp_path, strips, bytes_left):
    file = write_strips(tmp_path / "s.tar", strips, files_of(strips))
    file.write_bytes(file.read_bytes()[:bytes_left])
    with pytest.raises(ValueError, match="s.tar is damaged or of another kind"):
        read_strips(file, "s")


def test_no_byte_of_an_archive_raises_anything_else(tmp_path, strips):
    """One byte in each 64 turned over: pictures, or the one sentence."""
    good = write_strips(tmp_path / "s.tar", strips, files_of(strips)).read_bytes()
    for at in range(0, len(good), 64):
        bad = bytearray(good)
        bad[at] ^= 0xFF
        (tmp_path / "s.tar").write_bytes(bad)
        try:
            read_strips(tmp_path / "s.tar", "s")
        except ValueError as error:
            assert "s.tar is damaged or of another kind" in str(error), at


def archive_of(folder, **contents):
    """``s.tar`` of files by their name in it, in place of a dot two underscores; None: a folder."""
    with tarfile.open(folder / "s.tar", "w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo("s/" + name.replace("__", "."))
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.size = len(content or b"")
            tar.addfile(entry, BytesIO(content or b""))
    return folder / "s.tar"


LIST = b'{"side": 16, "files": {"train/ant": ["0"], "test/ant": ["0"]}}'


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"note__txt": b"hello"}, "it holds no file s/files.json"),
        ({"files__json": None}, "it holds no file s/files.json"),
        ({"files__json": LIST}, "it holds no file s/train/ant.jpg"),
        ({"files__json": LIST, "train/ant__jpg": None}, "it holds no file s/train/ant.jpg"),
        ({"files__json": LIST, "train/ant__jpg": b"GIF"}, "s/train/ant.jpg is no picture;"),
        ({"files__json": b"[]"}, "files.json is no list of pictures"),
        ({"files__json": b"{}"}, "files.json is no list of pictures"),
        ({"files__json": b'{"side": 16, "files": 3}'}, "files.json is no list of pictures"),
        ({"files__json": b'{"side": null, "files": {}}'}, "files.json is no list of pictures"),
        ({"files__json": b'{"side": 16, "files": {"a": 3}}'}, "files.json is no list of pictures"),
        ({"files__json": b"\xff\xfe"}, "files.json is no list of pictures"),
        ({"files__json": b'{"side": 16, "files": {}}'}, "files.json lists 0 strips of 16 pixels"),
        ({"files__json": LIST.replace(b"16", b"0")}, "files.json lists 2 strips of 0 pixels"),
    ],
)
def test_archives_of_something_else(tmp_path, contents, message):
    with pytest.raises(ValueError, match=f"s.tar is damaged or of another kind: {message}"):
        read_strips(archive_of(tmp_path, **contents), "s")


def test_a_strip_of_another_width(tmp_path, strips):
    file = write_strips(tmp_path / "s.tar", strips, files_of(strips))
    with tarfile.open(file) as tar:
        assert cut_strip(tar, "s/train/ant.jpg", 16).shape == (3, 3, 16, 16)
        with pytest.raises(ValueError, match="ant.jpg of 16 x 48 pixels does not hold .* of 32"):
            cut_strip(tar, "s/train/ant.jpg", 32)


def test_a_strip_that_is_broken(tmp_path, strips):
    jpeg = BytesIO()
    Image.new("RGB", (16, 16), "red").save(jpeg, "JPEG")
    file = archive_of(tmp_path, files__json=LIST, train__jpg=jpeg.getvalue()[:-200])
    with tarfile.open(file) as tar, pytest.raises(ValueError, match="s/train.jpg cannot be read"):
        cut_strip(tar, "s/train.jpg", 16)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(2, 3, 20, 20), "a side must be a multiple of 16 pixels, got 20"),
        (torch.zeros(4094, 3, 16, 16), "train/bee would be 65,504 pixels high.*at most 4093 pict"),
        (torch.zeros(2, 3, 16, 32), r"train/bee must be uint8 .n, 3, 32, 32.*2, 3, 16, 32"),
        (torch.zeros(2, 1, 16, 16), "train/bee must be uint8 .n, 3, 16, 16"),
        (torch.zeros(0, 3, 16, 16), "train/bee must be uint8 .n, 3, 16, 16"),
    ],
)
def test_strips_that_cannot_be_written(tmp_path, images, message):
    with pytest.raises(ValueError, match=message):
        write_strips(tmp_path / "s.tar", {"train/bee": images.to(torch.uint8)}, {})
    assert not (tmp_path / "s.tar").exists()


def test_strips_that_do_not_go_together(tmp_path, strips):
    larger = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(ValueError, match="test/bee must be uint8 .n, 3, 16, 16.*2, 3, 32, 32"):
        write_strips(tmp_path / "s.tar", strips | {"test/bee": larger}, {})
    with pytest.raises(ValueError, match="test/bee must be uint8 .* torch.float32"):
        write_strips(tmp_path / "s.tar", strips | {"test/bee": torch.zeros(2, 3, 16, 16)}, {})
    with pytest.raises(ValueError, match="no strip to write"):
        write_strips(tmp_path / "s.tar", {}, {})


def test_the_tallest_strip(tmp_path):
    tall = torch.full((4093, 3, 16, 16), 7, dtype=torch.uint8)  # 65,488 pixels
    told = {"train/ant": ["x"] * 4093, "test/ant": ["x"]}
    file = write_strips(tmp_path / "s.tar", {"train/ant": tall, "test/ant": tall[:1]}, told)
    assert len(read_strips(file, "s").train_y) == 4093

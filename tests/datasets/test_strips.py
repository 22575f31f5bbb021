"""Archives of strips: what is written comes back, and what is damaged is named."""

import tarfile

import pytest
import torch

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
    with pytest.raises(ValueError, match="s.tar is damaged.*test/bee has 2 of 3 pictures"):
        read_strips(file, "s")


def test_other_classes_in_the_test_part(tmp_path, strips):
    del strips["test/bee"]
    file = write_strips(tmp_path / "s.tar", strips, files_of(strips))
    with pytest.raises(ValueError, match="s.tar is damaged or no such archive.*test/bee"):
        read_strips(file, "s")


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_damaged_archives(tmp_path, strips, content):
    file = write_strips(tmp_path / "s.tar", strips, files_of(strips))
    file.write_bytes(file.read_bytes()[:2000] if content is None else content)
    with pytest.raises(ValueError, match="s.tar is damaged or no such archive"):
        read_strips(file, "s")


def test_an_archive_of_something_else(tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        tar.add(tmp_path / "note.txt", "s/note.txt")
    with pytest.raises(ValueError, match="no such archive.*files.json"):
        read_strips(tmp_path / "s.tar", "s")


def test_a_strip_of_another_width(tmp_path, strips):
    file = write_strips(tmp_path / "s.tar", strips, files_of(strips))
    with tarfile.open(file) as tar:
        jpeg = tar.extractfile("s/train/ant.jpg").read()
    assert cut_strip(jpeg, 16).shape == (3, 3, 16, 16)
    with pytest.raises(ValueError, match="16 x 48 pixels does not hold pictures of 32"):
        cut_strip(jpeg, 32)


def test_listings_of_another_kind(tmp_path):
    """Valid JSON that is no listing must not raise what nobody expects."""
    for content in (b"[]", b"{}", b'{"side": 16, "files": 3}', b"not json"):
        (tmp_path / "files.json").write_bytes(content)
        with tarfile.open(tmp_path / "s.tar", "w") as tar:
            tar.add(tmp_path / "files.json", "s/files.json")
        with pytest.raises(ValueError, match="s.tar is damaged or no such archive"):
            read_strips(tmp_path / "s.tar", "s")


def test_strips_that_cannot_be_written(tmp_path):
    for images in (torch.zeros(2, 3, 20, 20), torch.zeros(4100, 3, 16, 16)):
        with pytest.raises(ValueError, match="a multiple of 16 pixels and at most 65,500 high"):
            write_strips(tmp_path / "s.tar", {"train/ant": images.to(torch.uint8)}, {})

"""A request that names pictures by their files."""

from dataclasses import replace

import pytest
import torch

import kit
from kit.tasks.files import file_rows, read_list

FILES = [f"/data/{c}/{n}.jpg" for c in ("cat", "dog") for n in ("a", "b1", "b2", "x [1]")]


@pytest.fixture
def data():
    images = torch.randint(2, 255, (8, 1, 4, 4), dtype=torch.uint8)
    labels = torch.tensor([0] * 4 + [1] * 4)
    data = kit.datasets.from_tensors("pets", images, labels, images, labels, ["cat", "dog"])
    return replace(data, train_files=tuple(FILES))


@pytest.mark.parametrize(
    "asked, rows",
    [("cat/a.jpg", [0]), ("/data/dog/a.jpg", [4]), ("./cat/a.jpg", [0]), ("cat\\a.jpg", [0]),
     ("cat/*", [0, 1, 2, 3]), ("b?.jpg", [1, 2, 5, 6]), ("data/**", list(range(8))),
     ("data/**/a.jpg", [0, 4]), ("dog/x [1].jpg", [7]), (["dog/b*", "cat/a.jpg"], [0, 5, 6])],
)  # fmt: skip
def test_paths_and_patterns(data, asked, rows):
    assert sorted(file_rows(data, asked)) == rows


def test_a_star_stays_in_its_folder(data):
    with pytest.raises(ValueError, match="no training image of pets was read from 'data/\\*.jpg'"):
        file_rows(data, "data/*.jpg")


@pytest.mark.parametrize(
    "name, text, column",
    [("a.csv", "cat/a.jpg\ndog/b1.jpg\n", None),  # no header
     ("a.csv", "\ufefffile\ncat/a.jpg\ncat/a.jpg\ndog/b1.jpg\n", None),
     ("a.csv", 'id;path;why\n1;cat/a.jpg;"left; for good"\n2;dog/b1.jpg;\n', None),
     ("a.csv", "id,photo\n1,cat/a.jpg\n\n2,dog/b1.jpg\n", "Photo"),
     ("a.tsv", "id\timage\n1\tcat/a.jpg\n2\tdog/b1.jpg\n", None),
     ("a.txt", "cat/a.jpg\ndog/b1.jpg", None)],
)  # fmt: skip
def test_a_table_of_files(data, tmp_path, name, text, column):
    (tmp_path / name).write_text(text, encoding="utf-8")
    task = kit.tasks.forget_files(data, tmp_path / name, column=column)
    assert task.forget.rows.tolist() == [0, 5] and task.level == "sample"


@pytest.mark.parametrize(
    "text, column, message",
    [("", None, "is empty"), ("file\n", None, "names no file"),
     ("id,photo\n1,cat/a.jpg\n", None, "has the columns id, photo: name the one"),
     ("id,photo\n1,cat/a.jpg\n", "path", "has no column 'path'; it has id, photo")],
)  # fmt: skip
def test_tables_that_cannot_be_read(tmp_path, text, column, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_list(tmp_path / "a.csv", column)


def test_bytes_are_no_table(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not text in UTF-8"):
        read_list(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="cannot be read"):
        read_list(tmp_path / "none.csv")


def test_all_that_is_missing_is_told(data, tmp_path):
    data = replace(data, test_files=tuple(f"/data/cat/t{n}.jpg" for n in range(8)))
    missing = [f"cat/{n}.jpg" for n in range(37)]
    (tmp_path / "r.csv").write_text("\n".join(["file", "cat/a.jpg", "cat/t3.jpg", *missing]))
    with pytest.raises(ValueError, match="from 38 of the 39 files") as told:
        kit.tasks.forget_files(data, tmp_path / "r.csv")
    said = str(told.value)
    assert all(repr(name) in said for name in missing)
    assert "'cat/t3.jpg' (a test image)" in said and "'cat/a.jpg'" not in said


def test_a_class_is_no_file(data):
    with pytest.raises(ValueError, match="'cat'; to forget a class, use forget_classes"):
        file_rows(data, "cat")


def test_a_column_without_a_table(data):
    with pytest.raises(ValueError, match="column='file' is for a table"):
        file_rows(data, "cat/a.jpg", "file")

"""Data sets of torch, torchvision and Hugging Face."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, Subset, TensorDataset

import kit
from kit.datasets import store
from kit.datasets.from_dataset import from_dataset
from kit.datasets.mapped import Mapped

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (30, 8, 8, 3)).astype(np.uint8)
LABELS = [i % 3 for i in range(30)]


class Pictures(Dataset):
    """As torchvision's data sets are."""

    classes = ["ant", "bee", "cat"]

    def __init__(self, rows=range(30)):
        self.rows, self.read = rows, []

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, at):
        self.read.append(at)
        return Image.fromarray(PIXELS[self.rows[at]]), LABELS[self.rows[at]]


TRAIN, TEST = Pictures(range(20)), Pictures(range(20, 30))


def test_pictures_and_classes_of_a_torch_data_set():
    data = from_dataset(TRAIN, TEST, name="insects")
    assert data.name == "insects" and data.classes == ["ant", "bee", "cat"]
    assert np.array_equal(data.train_x.permute(0, 2, 3, 1), PIXELS[:20])
    assert np.array_equal(data.test_x.permute(0, 2, 3, 1), PIXELS[20:])
    assert data.train_y.tolist() + data.test_y.tolist() == LABELS
    assert kit.tasks.forget_classes(data, ["bee"]).forget_classes == [1]


def test_the_names_of_a_subset_and_of_subsets_of_it():
    inner = Subset(Pictures(), range(1, 30, 2))
    data = from_dataset(Subset(inner, range(10)), Subset(inner, range(10, 15)))
    assert data.classes == ["ant", "bee", "cat"]
    assert np.array_equal(data.train_x[1].permute(1, 2, 0), PIXELS[3])


def test_data_sets_without_names_are_numbered_unless_told():
    x = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)
    train = TensorDataset(x[:20], torch.tensor(LABELS[:20]))
    test = TensorDataset(x[20:].float() / 255, torch.tensor(LABELS[20:]))
    assert from_dataset(train, test).classes == ["0", "1", "2"]
    assert from_dataset(train, test).fingerprint == from_dataset(
        TRAIN, TEST, classes=["0", "1", "2"]
    ).fingerprint  # fmt: skip
    assert from_dataset(train, test, classes=["a", "b", "c"]).classes == ["a", "b", "c"]
    with pytest.raises(
        ValueError, match="training labels must lie in 0..1 .2 classes., found 0..2"
    ):
        from_dataset(train, test, classes=["a", "b"])
    with pytest.raises(ValueError, match="classes must be a list of names, got 'abc'"):
        from_dataset(train, test, classes="abc")


def test_names_that_differ_are_refused():
    other = Pictures()
    other.classes = ["ant", "cat", "bee"]
    with pytest.raises(ValueError, match="name different classes; only in one: none, so their"):
        from_dataset(TRAIN, other)
    assert from_dataset(TRAIN, other, classes=["a", "b", "c"]).classes == ["a", "b", "c"]


def test_pictures_are_shown_as_files_are(tmp_path):
    turned, clear = Image.new("RGB", (16, 8)), Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    turned.paste((200, 200, 200), (4, 0, 12, 8))
    turned.getexif()[0x0112] = 6
    pairs = [(turned, 0), (clear, 1), (Image.new("L", (20, 20), 7), 0)]
    for at, (picture, _) in enumerate(pairs):
        for part in ("train", "test"):
            folder = tmp_path / part / "ab"[pairs[at][1]]
            folder.mkdir(parents=True, exist_ok=True)
            picture.save(folder / f"{at}.png", exif=picture.getexif())
    for options in ({}, {"resize": "pad"}, {"grey": True}, {"resize": "squash"}):
        files = kit.datasets.from_folder(tmp_path, 8, **options)
        ours = from_dataset(pairs, pairs, image_size=8, **options)
        assert torch.equal(ours.train_x, files.train_x[[0, 2, 1]])


def test_sizes_that_differ_need_a_size():
    pairs = [(PIXELS[0], 0), (PIXELS[1][:6, :6], 1)]
    with pytest.raises(ValueError, match="item 1 of the test set is 6x6; all images must be squa"):
        from_dataset(pairs[:1], pairs)
    assert from_dataset(pairs, pairs, image_size=5).test_x.shape == (2, 3, 5, 5)


def test_torchvision():
    from torchvision.datasets import FakeData

    train, test = FakeData(12, (3, 16, 16), 3), FakeData(6, (3, 16, 16), 3, random_offset=100)
    data = from_dataset(train, test, image_size=8)
    assert data.train_x.shape == (12, 3, 8, 8)
    assert data.train_y.tolist() == [int(label) for _, label in map(train.__getitem__, range(12))]


# --- pixels in a file


def test_pixels_in_a_file_are_those_in_memory(cached):
    near = from_dataset(TRAIN, TEST, image_size=8)
    far = from_dataset(TRAIN, TEST, image_size=8, in_memory=False)
    assert isinstance(far.train_x, Mapped) and isinstance(far.test_x, Mapped)
    assert torch.equal(far.train_x, near.train_x) and torch.equal(far.test_x, near.test_x)
    assert torch.equal(far.train_y, near.train_y) and far.fingerprint == near.fingerprint
    again = from_dataset(TRAIN, TEST, image_size=8, in_memory=False)
    assert again.train_x.file == far.train_x.file
    others = Pictures(range(1, 21))  # of the same number, size and settings
    assert torch.equal(
        from_dataset(others, TEST, image_size=8, in_memory=False).train_x,
        torch.from_numpy(PIXELS[1:21]).permute(0, 3, 1, 2),
    )
    assert torch.equal(far.train_x, near.train_x)
    left = {folder for folder in (cached / "pictures").iterdir() if folder.is_dir()}
    assert len(left) == 3 and far.train_x.file.parent in left


def test_many_pixels_go_to_a_file(cached, monkeypatch):
    monkeypatch.setattr(store, "IN_MEMORY", 10 * 3 * 8 * 8)  # bytes: the test images fit
    data = from_dataset(TRAIN, TEST, image_size=8)
    assert isinstance(data.train_x, Mapped) and not isinstance(data.test_x, Mapped)
    with pytest.raises(ValueError, match="20 pictures .* go to a file.*pass image_size="):
        from_dataset(TRAIN, TEST)


def test_one_that_was_stopped_or_damaged_is_read_again(cached):
    class Stopped(Pictures):
        def __getitem__(self, at):
            if at == 15:
                raise KeyboardInterrupt
            return super().__getitem__(at)

    with pytest.raises(KeyboardInterrupt):
        from_dataset(Stopped(range(20)), TEST, image_size=8, in_memory=False)
    assert not [folder for folder in (cached / "pictures").iterdir() if folder.is_dir()]
    far = from_dataset(TRAIN, TEST, image_size=8, in_memory=False)
    file = far.train_x.file
    values = bytearray(file.read_bytes())
    values[100] ^= 1
    file.write_bytes(values)
    with pytest.warns(UserWarning, match="1 of 1 blocks are damaged"):
        again = from_dataset(TRAIN, TEST, image_size=8, in_memory=False)
    assert np.array_equal(again.train_x.permute(0, 2, 3, 1), PIXELS[:20])


def test_one_bad_item_stops_the_reading(cached):
    bad = [*zip(PIXELS[:20], LABELS[:20], strict=True)]
    bad[3] = (PIXELS[3], "bee")
    for in_memory in (True, False):
        with pytest.raises(ValueError, match="item 3 of the training set .* must be a whole num"):
            from_dataset(bad, TEST, image_size=8, in_memory=in_memory)


# --- tables as those of Hugging Face, of which only these are used: features, length, items


class Image_:
    pass


class ClassLabel:
    names = ["ant", "bee", "cat"]


Image_.__name__ = "Image"


class Value:
    pass


class Table:
    def __init__(self, rows, **features):
        self.rows = rows
        self.features = features or {"id": Value(), "picture": Image_(), "kind": ClassLabel()}

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, at):
        row = self.rows[at]
        values = (row, Image.fromarray(PIXELS[row]), LABELS[row])
        return dict(zip(self.features, values, strict=False))


def test_columns_of_a_table_are_found_by_their_kind():
    data = from_dataset(Table(range(20)), Table(range(20, 30)))
    assert data.fingerprint == from_dataset(TRAIN, TEST).fingerprint
    assert data.classes == ["ant", "bee", "cat"]


def test_columns_of_a_table_are_named_where_they_are_not_found():
    features = {"id": Value(), "picture": Image_(), "kind": Value()}
    both = Table(range(20), **features), Table(range(20, 30), **features)
    with pytest.raises(ValueError, match="training set has 0 columns of kind ClassLabel, of id, pic"
                                         "ture, kind: name one by label="):  # fmt: skip
        from_dataset(*both)
    assert from_dataset(*both, label="kind").classes == ["0", "1", "2"]
    with pytest.raises(ValueError, match="no column 'class'; choose of id, picture, kind"):
        from_dataset(*both, label="class")
    twice = {"picture": Image_(), "mask": Image_(), "kind": ClassLabel()}
    with pytest.raises(ValueError, match="has 2 columns of kind Image, of .* by image="):
        from_dataset(Table(range(20), **twice), both[1])

"""Pictures in folders, a class a folder."""

import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import kit
from kit.datasets.pictures import suffixes

RNG = np.random.default_rng(0)


def write_folder(root, size=8, classes=("cat", "dog")):
    for part, n in (("train", 3), ("test", 1)):
        for name in classes:
            (root / part / name).mkdir(parents=True)
            for i in range(n):
                pixels = RNG.integers(0, 256, (size, size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{i}.png")


def test_folder(tmp_path):
    write_folder(tmp_path)
    data = kit.datasets.from_folder(tmp_path, name="pets")
    assert data.name == "pets" and data.classes == ["cat", "dog"]
    assert data.train_x.shape == (6, 3, 8, 8) and data.train_y.tolist() == [0] * 3 + [1] * 3
    with Image.open(tmp_path / "train" / "cat" / "0.png") as image:
        assert torch.equal(data.train_x[0].permute(1, 2, 0), torch.from_numpy(np.array(image)))
    small = kit.datasets.from_folder(tmp_path, image_size=4, grey=True)
    assert small.train_x.shape == (6, 1, 4, 4)


def test_folder_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match="train/<class>"):
        kit.datasets.from_folder(tmp_path / "absent")
    write_folder(tmp_path)
    odd = tmp_path / "train" / "cat" / "9.png"
    Image.new("RGB", (9, 9)).save(odd)
    with pytest.raises(ValueError, match="9.png is 9x9.*image_size="):
        kit.datasets.from_folder(tmp_path)
    odd.write_bytes((tmp_path / "train" / "cat" / "0.png").read_bytes()[:60])
    with pytest.raises(ValueError, match="9.png cannot be read"):
        kit.datasets.from_folder(tmp_path)
    odd.unlink()
    (tmp_path / "test" / "bird").mkdir()
    with pytest.raises(ValueError, match="no images in .*bird"):
        kit.datasets.from_folder(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "test" / "bird" / "0.png")
    with pytest.raises(ValueError, match="only in one: .*bird"):
        kit.datasets.from_folder(tmp_path)


def test_broken_files_are_all_named_or_left_out(tmp_path):
    write_folder(tmp_path)
    broken = [tmp_path / "train" / "cat" / f"broken{i:02}.jpg" for i in range(11)]
    broken.append(tmp_path / "test" / "dog" / "broken.jpg")
    for file in broken:
        file.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="12 of 20 files are broken:") as told:
        kit.datasets.from_folder(tmp_path)
    assert all(f"{file} cannot be read as an image" in str(told.value) for file in broken[:10])
    assert 'and 2 more\nmend or remove them, or pass on_error="skip"' in str(told.value)
    with pytest.warns(UserWarning, match="left out 12 of 20 files are broken:\n  .*broken00.jpg"):
        data = kit.datasets.from_folder(tmp_path, on_error="skip")
    assert data.train_y.tolist() == [0] * 3 + [1] * 3 and data.test_y.tolist() == [0, 1]
    (tmp_path / "test" / "dog" / "0.png").write_bytes(b"no picture either")
    with (
        pytest.warns(UserWarning, match="13 of"),
        pytest.raises(ValueError, match="no image of dog can be read in test"),
    ):
        kit.datasets.from_folder(tmp_path, on_error="skip")


def test_what_systems_hide_is_passed_over(tmp_path):
    write_folder(tmp_path)
    cats = tmp_path / "train" / "cat"
    for name in ("._0.png", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (cats / name).write_bytes(b"x")
    for hidden in (".ipynb_checkpoints", "__MACOSX", ".git"):
        for inside in (tmp_path / "train" / hidden, cats / hidden):
            inside.mkdir()
            Image.new("RGB", (8, 8)).save(inside / "0.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = kit.datasets.from_folder(tmp_path)
    assert data.classes == ["cat", "dog"] and len(data.train_y) == 6


def test_what_is_left_out_is_counted(tmp_path):
    write_folder(tmp_path)
    cats = tmp_path / "train" / "cat"
    for name in ("notes.txt", "film.mp4", "more.MP4", "LICENSE"):
        (cats / name).write_bytes(b"x")
    (cats / "kittens").mkdir()
    (tmp_path / "test" / "labels.csv").write_text("0")
    Image.new("RGB", (8, 8)).save(cats / "windows.jfif", "JPEG")
    with pytest.warns(UserWarning) as told:
        data = kit.datasets.from_folder(tmp_path)
    assert [str(warning.message) for warning in told] == [
        f"{tmp_path}: left out 2 x .mp4, 1 x .txt, 1 x file beside the class folders, "
        f"1 x file without a suffix, 1 x sub-folder"
    ]
    assert data.train_y.tolist() == [0] * 4 + [1] * 3


@pytest.mark.skipif(".heic" in suffixes(), reason="pillow-heif is installed")
def test_phone_pictures_without_their_package(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "train" / "cat" / "IMG_0001.HEIC").write_bytes(b"x")
    with pytest.warns(UserWarning, match="left out 1 x .heic; the package pillow-heif reads .heic"):
        kit.datasets.from_folder(tmp_path)
    for file in (tmp_path / "train" / "cat").glob("*.png"):
        file.unlink()
    with pytest.raises(ValueError, match="no images in .'cat'.; there are 1 x .heic; the package"):
        kit.datasets.from_folder(tmp_path)


def test_accents_however_composed(tmp_path):
    write_folder(tmp_path, classes=["café", "thé"])
    for folder in (tmp_path / "test").iterdir():
        folder.rename(folder.with_name(unicodedata.normalize("NFD", folder.name)))
    data = kit.datasets.from_folder(tmp_path)
    assert data.classes == ["café", "thé"]
    assert kit.tasks.forget_classes(data, unicodedata.normalize("NFD", "thé")).forget_classes == [1]
    (tmp_path / "test" / "café").mkdir(exist_ok=True)
    if len(list((tmp_path / "test").iterdir())) == 3:  # not where the file system composes
        with pytest.raises(ValueError, match="two folders called 'café', to the eye the same"):
            kit.datasets.from_folder(tmp_path)


def test_images_can_be_asked_for_by_file(tmp_path, monkeypatch):
    write_folder(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    data = kit.datasets.from_folder("pets")
    assert data.train_files[0] == str(tmp_path / "pets" / "train" / "cat" / "0.png")
    files = [Path("pets", "train", "dog", "2.png"), str(tmp_path / "pets/train/cat/1.png")]
    task = kit.tasks.forget_files(data, files)
    assert task.forget.rows.tolist() == [1, 5]
    with Image.open(files[0]) as picture:
        assert np.array_equal(task.forget.x[1].permute(1, 2, 0), np.array(picture))


def test_oblong_photographs_are_cropped_unless_said_otherwise(tmp_path):
    write_folder(tmp_path)
    for part in ("train", "test"):
        pixels = np.zeros((8, 16, 3), np.uint8)
        pixels[:, 4:12] = 200
        Image.fromarray(pixels).save(tmp_path / part / "cat" / "0.png")
    with pytest.raises(ValueError, match="0.png is 16x8; all images must be squares"):
        kit.datasets.from_folder(tmp_path)
    assert (kit.datasets.from_folder(tmp_path, 8).train_x[0] == 200).all()
    padded = kit.datasets.from_folder(tmp_path, 8, resize="pad").train_x[0, 0]
    assert (padded[:2] == 0).all() and padded[3:5, 3:5].min() == 200
    squashed = kit.datasets.from_folder(tmp_path, 8, resize="squash").train_x[0, 0]
    assert (squashed[:, 0] == 0).all() and (squashed[:, 3:5] == 200).all()


# --- a folder of classes, which is split here


def write_classes(root, count=30, classes=("cat", "dog")):
    for name in classes:
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i:02}.png")


def parts(data):
    """Of each picture, by class and name, the part it is in."""
    both = (("train", data.train_files), ("test", data.test_files))
    return {Path(f).parts[-2:]: part for part, files in both for f in files}


def test_a_folder_of_classes_is_split(tmp_path):
    write_classes(tmp_path)
    data = kit.datasets.from_folder(tmp_path)
    assert data.classes == ["cat", "dog"] and len(parts(data)) == 60
    assert 4 <= len(data.test_y) <= 20  # of 12 expected
    for x, y, files in (
        (data.train_x, data.train_y, data.train_files),
        (data.test_x, data.test_y, data.test_files),
    ):
        for image, label, file in zip(x, y, files, strict=True):
            assert Path(file).parent.name == data.classes[label]
            with Image.open(file) as picture:
                assert np.array_equal(image.permute(1, 2, 0), np.array(picture))
    assert parts(data) == parts(kit.datasets.from_folder(tmp_path, test_share=0.2))
    assert parts(data) != parts(kit.datasets.from_folder(tmp_path, seed=1))
    half = kit.datasets.from_folder(tmp_path, test_share=0.5)
    assert set(data.test_files) < set(half.test_files) and 18 <= len(half.test_y) <= 42


def test_taking_pictures_away_or_adding_some_moves_no_other(tmp_path):
    write_classes(tmp_path)
    before = parts(kit.datasets.from_folder(tmp_path, test_share=0.5))
    for i in range(0, 30, 3):
        (tmp_path / "cat" / f"{i:02}.png").unlink()
    write_classes(tmp_path, classes=["ant"])
    (tmp_path / "dog" / "00.png").rename(tmp_path / "dog" / "aa.png")
    after = parts(kit.datasets.from_folder(tmp_path, test_share=0.5))
    stayed = before.keys() & after.keys()
    assert len(stayed) == 49 and all(before[of] == after[of] for of in stayed)
    moved = tmp_path.rename(tmp_path.with_name("elsewhere"))
    assert parts(kit.datasets.from_folder(moved, test_share=0.5)) == after


def test_how_a_system_composes_accents_moves_no_picture(tmp_path):
    found = []
    for form in ("NFC", "NFD"):
        root = tmp_path / form
        names = [unicodedata.normalize(form, name) for name in ("café", "thé")]
        for of in names:
            (root / of).mkdir(parents=True)
            for i in range(20):
                file = unicodedata.normalize(form, f"{'éè'[i % 2]}{i:02}.png")
                Image.new("RGB", (8, 8), (i, 9, 9)).save(root / of / file)
            Image.new("RGB", (8, 8), (99, 9, 9)).save(root / of / "f.png")
        found.append(kit.datasets.from_folder(root, test_share=0.5))
    one, other = found
    assert one.classes == other.classes and one.fingerprint == other.fingerprint
    assert torch.equal(one.train_x, other.train_x)


def test_a_class_that_falls_on_one_side(tmp_path):
    write_classes(tmp_path, 12)
    write_classes(tmp_path, 1, ["bird"])
    with pytest.raises(ValueError, match="no image of bird falls in (train|test); pass another "
                       "seed= or test_share=, or make folders train and test"):  # fmt: skip
        kit.datasets.from_folder(tmp_path, test_share=0.5)


def test_parts_of_its_own_are_not_split_again(tmp_path):
    write_folder(tmp_path)
    with pytest.raises(ValueError, match="has its own parts train and test: leave test_share out"):
        kit.datasets.from_folder(tmp_path, test_share=0.2)
    (tmp_path / "test").rename(tmp_path / "val")
    with pytest.raises(ValueError, match="its own parts train and val"):
        kit.datasets.from_folder(tmp_path, test="val", test_share=0.2)
    with pytest.raises(FileNotFoundError, match="test is not there; .*or neither.*test_share="):
        kit.datasets.from_folder(tmp_path)
    for wrong in (0, 1, 1.5, True, "half", float("nan")):
        with pytest.raises(ValueError, match="test_share must lie between 0 and 1, got "):
            kit.datasets.from_folder(tmp_path, test_share=wrong)


def test_a_class_may_be_called_train(tmp_path):
    write_classes(tmp_path, 20, ["car", "train"])
    data = kit.datasets.from_folder(tmp_path, test_share=0.4)
    assert data.classes == ["car", "train"] and len(data.train_y) + len(data.test_y) == 40


def test_files_of_the_test_images_are_known(tmp_path):
    write_folder(tmp_path)
    data = kit.datasets.from_folder(tmp_path)
    assert data.test_files == tuple(str(tmp_path / f"test/{of}/0.png") for of in ("cat", "dog"))


def test_statistics_that_are_given(tmp_path):
    write_folder(tmp_path)
    given = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    data = kit.datasets.from_folder(tmp_path, statistics=given)
    assert torch.equal(torch.stack(data.statistics), torch.tensor(given))
    split = kit.tasks.forget_classes(data, ["cat"]).test
    assert split.inputs()[0, 2, 0, 0] == pytest.approx(
        (data.test_x[0, 2, 0, 0] / 255 - 0.406) / 0.225, abs=1e-5
    )
    plain = kit.datasets.from_folder(tmp_path)
    assert not torch.equal(plain.statistics[0], data.statistics[0])
    with pytest.raises(ValueError, match=r"a mean for each of 1 channels, got \(3,\)"):
        kit.datasets.from_folder(tmp_path, grey=True, statistics=given)

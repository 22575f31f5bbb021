"""Pictures in folders, a class a folder."""

import numpy as np
import pytest
import torch
from PIL import Image

import kit

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

"""Omniglot, whole and damaged."""

import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import kit
from kit.datasets import omniglot


def write_omniglot(root, doubles=1):
    """Two archives of three characters each, of which ``doubles`` are the same."""
    folder = root / "omniglot"
    folder.mkdir(parents=True)
    for number, archive in enumerate(omniglot.ARCHIVES):
        with zipfile.ZipFile(folder / archive, "w") as file:
            for character in range(3):
                name = character + number * (3 - doubles)
                for drawing in range(20):
                    pixels = np.full((105, 105), 255, np.uint8)
                    pixels[name * 10 : name * 10 + 10, drawing * 5 : drawing * 5 + 5] = 0
                    png = BytesIO()
                    Image.fromarray(pixels).convert("1").save(png, "PNG")
                    member = (
                        f"{archive[:-4]}/Latin/character{name:02d}/{name:04d}_{drawing:02d}.png"
                    )
                    file.writestr(member, png.getvalue())
    return folder


def test_omniglot_small(tmp_path):
    write_omniglot(tmp_path)
    data = kit.datasets.load("omniglot-small", root=tmp_path)
    assert data.classes == [f"Latin/character0{i}" for i in range(5)]  # the double is dropped
    assert data.train_x.shape == (5 * 16, 1, 32, 32) and data.test_y.bincount().tolist() == [4] * 5
    assert data.train_x.float().mean() < 20  # ink is bright on a dark ground


@pytest.mark.parametrize("content", [b"", b"PK broken"])
def test_omniglot_damaged(tmp_path, content):
    folder = write_omniglot(tmp_path)
    (folder / "images_background_small2.zip").write_bytes(content)
    with pytest.raises(ValueError, match="small2.zip is corrupt"):
        kit.datasets.load("omniglot-small", root=tmp_path)

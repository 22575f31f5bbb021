"""CelebA, from its own format."""

import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

import kit
from kit.datasets.celeba import load_46715


def test_celeba_is_read_from_its_own_format(tmp_path, monkeypatch):
    from torchvision.datasets import CelebA

    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(12)]
    rows = [[1 if (i + k) % 2 else -1 for k in range(3)] for i in range(12)]
    for i, name in enumerate(names):
        Image.new("RGB", (178, 218), (20 * i, 0, 255 - 20 * i)).save(
            folder / "img_align_celeba" / name
        )
    table = "".join(f"{n} {' '.join(map(str, r))}\n" for n, r in zip(names, rows, strict=True))
    (folder / "list_attr_celeba.txt").write_text(f"12\nBald Smiling Young \n{table}")
    parts = "".join(f"{n} {0 if i < 8 else 2}\n" for i, n in enumerate(names))
    (folder / "list_eval_partition.txt").write_text(parts)
    for file, width in (("identity_CelebA", 1), ("list_bbox_celeba", 4),
                        ("list_landmarks_align_celeba", 10)):  # fmt: skip
        text = "".join(f"{n} {' '.join(['1'] * width)}\n" for n in names)
        head = "" if file.startswith("identity") else "12\n" + " ".join(["a"] * width) + "\n"
        (folder / f"{file}.txt").write_text(head + text)
    monkeypatch.setattr(CelebA, "_check_integrity", lambda self: True)
    data = kit.datasets.load("celeba", root=tmp_path)
    assert data.attributes == ("Bald", "Smiling", "Young") and data.image_size == 64
    assert (len(data.train_y), len(data.test_y)) == (8, 4)
    assert data.train_a[0].tolist() == [0, 1, 0] and data.classes == ["not Bald", "Bald"]
    assert data.with_target("Smiling").train_y.tolist() == data.train_a[:, 1].tolist()
    colour = data.train_x[7].float().mean((1, 2))
    assert torch.allclose(colour, torch.tensor([140.0, 0.0, 115.0]), atol=4)  # JPEG
    (folder / "img_align_celeba" / names[3]).write_bytes(b"no picture")
    with pytest.raises(ValueError, match="000004.jpg cannot be read as an image"):
        kit.datasets.load("celeba", root=tmp_path)


NUMBERS = np.array([1, 3, 162_770, 162_771, 182_637, 182_638, 202_599])
NAMES = [f"A{k}" for k in range(4)] + ["Bald"] + [f"B{k}" for k in range(35)]


def smaller(folder, strips=("00", "01"), **change):
    """``celeba46715_64.tar`` of strips of 4 and 3 faces; a change of a table, or without it."""
    values = np.zeros((202_599, 40), np.uint8)
    values[NUMBERS - 1, 4] = [1, 0, 1, 1, 1, 0, 1]
    values[NUMBERS - 1, 39] = [0, 1, 0, 1, 0, 1, 0]
    told = {"numbers": NUMBERS, "names": np.array(NAMES),
            "attributes_all": np.packbits(values, axis=1)} | change  # fmt: skip
    np.savez(folder / "labels.npz", **{k: v for k, v in told.items() if v is not None})
    levels = np.arange(7, dtype=np.uint8) * 30
    for strip, part in (("00", levels[:4]), ("01", levels[4:])):
        tall = np.repeat(part, 64)[:, None, None].repeat(64, 1).repeat(3, 2)
        Image.fromarray(tall).save(folder / f"{strip}.jpg", quality=90)
    with tarfile.open(folder / "celeba46715_64.tar", "w") as tar:
        for file in (*(f"{strip}.jpg" for strip in strips), "labels.npz"):
            tar.add(folder / file, f"celeba46715_64/{file}")
    return folder / "celeba46715_64.tar"


def test_the_smaller_set_from_its_archive(tmp_path):
    """Two strips of faces; their rows of CelebA's tables, the official partition, the bits."""
    smaller(tmp_path)
    data = kit.datasets.load("celeba-46715", root=tmp_path)
    assert data.classes == ["not Bald", "Bald"] and data.attributes == tuple(NAMES)
    assert data.train_y.tolist() == [1, 0, 1] and data.test_y.tolist() == [0, 1]
    assert data.train_a[:, 39].tolist() == [0, 1, 0] and data.test_a[:, 39].tolist() == [1, 0]
    assert data.test_x.float().mean((1, 2, 3)).round().tolist() == [150, 180]
    assert len(repr(data)) < 200
    thin = data.thinned(0.5)
    assert thin.train_a.shape == (len(thin.train_y), 40)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strips": ()}, "it holds no strip of faces"),
        ({"strips": ("00",)}, r"4 faces, but numbers of shape \(7,\)"),
        ({"numbers": NUMBERS[:6]}, r"7 faces, but numbers of shape \(6,\)"),
        ({"numbers": NUMBERS[:, None]}, r"7 faces, but numbers of shape \(7, 1\)"),
        ({"numbers": NUMBERS[::-1]}, "numbers must rise, from 1 to 202,599"),
        ({"numbers": NUMBERS[::-1].astype(np.uint32)}, "numbers must rise"),
        ({"numbers": NUMBERS - 1}, "numbers must rise, from 1"),
        ({"numbers": (NUMBERS - 1).astype(np.uint32)}, "numbers must rise, from 1"),
        ({"numbers": NUMBERS + 1}, "numbers must rise, from 1 to 202,599"),
        ({"numbers": NUMBERS.astype(float)}, "IndexError"),
        ({"numbers": None}, "KeyError"),
        ({"names": np.array(NAMES[:32])}, r"32 attributes need a table \(202599, 4\), got"),
        ({"names": np.array(NAMES + ["C"])}, r"41 attributes need a table \(202599, 6\), got"),
        ({"attributes_all": np.zeros((7, 5), np.uint8)}, r"a table \(202599, 5\), got \(7, 5\)"),
        ({"attributes_all": np.zeros((202_599, 5))}, "TypeError"),
    ],
)
def test_a_smaller_set_that_does_not_agree(tmp_path, change, message):
    smaller(tmp_path, **change)
    with pytest.raises(ValueError, match=f"celeba46715_64.tar is damaged or of ano.*{message}"):
        kit.datasets.load("celeba-46715", root=tmp_path)


def test_a_smaller_set_that_is_damaged(tmp_path):
    archive = smaller(tmp_path)
    whole = archive.read_bytes()
    for content in (b"", b"nothing", whole[:1500], whole[:8000]):
        archive.write_bytes(content)
        with pytest.raises(ValueError, match="celeba46715_64.tar is damaged or of another kind"):
            kit.datasets.load("celeba-46715", root=tmp_path)
    for file, said in (("labels.npz", "BadZipFile"), ("00.jpg", "celeba46715_64/00.jpg is no pi")):
        smaller(tmp_path)
        (tmp_path / file).write_bytes(b"PK\x03\x04")
        with tarfile.open(archive, "a") as tar:  # the last of a name counts
            tar.add(tmp_path / file, f"celeba46715_64/{file}")
        with pytest.raises(ValueError, match=f"celeba46715_64.tar is damaged or of ano.*{said}"):
            kit.datasets.load("celeba-46715", root=tmp_path)
    smaller(tmp_path)
    with pytest.raises(ValueError, match="celeba-46715 has no attribute 'Tall'"):
        load_46715(tmp_path, target="Tall")

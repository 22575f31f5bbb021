"""CelebA, from its own format."""

import tarfile

import numpy as np
import torch
from PIL import Image

import kit


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


def test_the_smaller_set_from_its_archive(tmp_path):
    """Two strips of faces; their rows of CelebA's tables, the official partition, the bits."""
    numbers = np.array([1, 3, 162_770, 162_771, 182_637, 182_638, 202_599])
    names = [f"A{k}" for k in range(4)] + ["Bald"] + [f"B{k}" for k in range(35)]
    values = np.zeros((202_599, 40), np.uint8)
    values[numbers - 1, 4] = [1, 0, 1, 1, 1, 0, 1]
    values[numbers - 1, 39] = [0, 1, 0, 1, 0, 1, 0]
    np.savez(tmp_path / "labels.npz", numbers=numbers, names=np.array(names),
             attributes_all=np.packbits(values, axis=1))  # fmt: skip
    levels = np.arange(7, dtype=np.uint8) * 30
    for strip, part in (("00", levels[:4]), ("01", levels[4:])):
        tall = np.repeat(part, 64)[:, None, None].repeat(64, 1).repeat(3, 2)
        Image.fromarray(tall).save(tmp_path / f"{strip}.jpg", quality=90)
    with tarfile.open(tmp_path / "celeba46715_64.tar", "w") as tar:
        for file in ("00.jpg", "01.jpg", "labels.npz"):
            tar.add(tmp_path / file, f"celeba46715_64/{file}")
    data = kit.datasets.load("celeba-46715", root=tmp_path)
    assert data.classes == ["not Bald", "Bald"] and data.attributes == tuple(names)
    assert data.train_y.tolist() == [1, 0, 1] and data.test_y.tolist() == [0, 1]
    assert data.train_a[:, 39].tolist() == [0, 1, 0] and data.test_a[:, 39].tolist() == [1, 0]
    assert data.test_x.float().mean((1, 2, 3)).round().tolist() == [150, 180]
    assert len(repr(data)) < 200
    thin = data.thinned(0.5)
    assert thin.train_a.shape == (len(thin.train_y), 40)

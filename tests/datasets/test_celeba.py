"""CelebA, from its own format."""

import torch

import kit


def test_celeba_is_read_from_its_own_format(tmp_path, monkeypatch):
    from PIL import Image
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

"""CelebA (Liu et al., ICCV 2015) through torchvision: 202,599 faces with 40 yes/no attributes."""

import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from kit.datasets.annotated import AnnotatedData
from kit.datasets.pictures import read_picture
from kit.datasets.sources import missing, no_download
from kit.datasets.strips import cut_strip, inside, member
from kit.runtime.progress import progress

SIZE = 64  # pixels in memory; the published images are 178 x 218
IMAGES = 202_599
LAST_TRAIN, LAST_VALID = 162_770, 182_637  # images of the official partition, the test part last


def load_celeba(
    root: Path, download: bool = False, *, target: str = "Bald", image_size: int = SIZE
) -> AnnotatedData:
    """The official training and test images, squeezed to a square, classified by ``target``:
    uint8 ``[n, 3, image_size, image_size]``, attributes int64 ``[n, 40]``.

    The official partition keeps each person on one side; a cut by file number, as used with some
    published code, does not.

    Raises
    ------
    ValueError
        a target that is no attribute, files that are incomplete or corrupt, a picture that cannot
        be read.
    FileNotFoundError
        the files are not there; the message names three ways to get them.
    """
    from torchvision.datasets import CelebA  # takes seconds to import

    folder = Path(root) / "celeba"
    if not download and not folder.exists():
        raise missing("celeba", folder, "copy torchvision's files there: img_align_celeba, *.txt")
    try:
        parts = {
            part: CelebA(root, split=part, target_type="attr", download=download)
            for part in ("train", "test")
        }
    except RuntimeError as error:
        raise ValueError(
            f"celeba in {folder} is incomplete or corrupt: {error}; delete it and load with "
            f"download=True"
        ) from error
    names = [name for name in parts["train"].attr_names if name]  # the file ends in a blank
    if target not in names:
        raise ValueError(f"celeba has no attribute {target!r}; choose of {', '.join(names)}")
    images, values = {}, {}
    for part, faces in parts.items():
        pictures = torch.empty(len(faces), 3, image_size, image_size, dtype=torch.uint8)
        for row, name in enumerate(progress(faces.filename, f"reading {part} faces")):
            file = folder / "img_align_celeba" / name
            pictures[row] = read_picture(file, image_size, resize="squash")
        images[part], values[part] = pictures, faces.attr.long()
    column = names.index(target)
    return AnnotatedData(
        "celeba", images["train"], values["train"][:, column].clone(), images["test"],
        values["test"][:, column].clone(), [f"not {target}", target], tuple(names),
        values["train"], values["test"],
    )  # fmt: skip


def load_46715(root: Path, download: bool = False, *, target: str = "Bald") -> AnnotatedData:
    """23 % of CelebA: five faces of each of 9,343 people, the official partition, uint8
    ``[n, 3, 64, 64]`` with attributes int64 ``[n, 40]``.

    From ``celeba46715_64.tar``: strips of 1,000 faces in the order of CelebA's image numbers, and
    ``labels.npz`` with ``numbers`` of the images here, ``names`` of the attributes, and
    ``attributes_all``, a bit for each attribute of all of CelebA's images.

    Raises
    ------
    ValueError
        a target that is no attribute, an archive that is damaged, numbers or attributes that do
        not agree with its faces.
    FileNotFoundError
        the archive is not there.
    """
    archive = Path(root) / "celeba46715_64.tar"
    if not archive.is_file():
        raise no_download("celeba-46715", archive, 'use all of it, kit.datasets.load("celeba")')
    return inside(archive, lambda tar: _of_strips(tar, archive.stem)).with_target(target)


def _of_strips(tar: tarfile.TarFile, stem: str) -> AnnotatedData:
    strips = sorted(name for name in tar.getnames() if name.endswith(".jpg"))
    if not strips:
        raise ValueError("it holds no strip of faces")
    pixels = torch.cat([cut_strip(tar, name, SIZE) for name in strips])
    with np.load(BytesIO(member(tar, f"{stem}/labels.npz")), allow_pickle=False) as told:
        rows, names = told["numbers"] - 1, [str(name) for name in told["names"]]
        table = told["attributes_all"]
    _refuse_discord(len(pixels), rows, names, table)
    bits = np.unpackbits(table[rows], axis=1)[:, : len(names)]
    values = torch.from_numpy(bits).long()
    train, test = torch.from_numpy(rows < LAST_TRAIN), torch.from_numpy(rows >= LAST_VALID)
    return AnnotatedData(
        "celeba-46715", pixels[train], values[train, 0].clone(), pixels[test],
        values[test, 0].clone(), [f"not {names[0]}", names[0]], tuple(names), values[train],
        values[test],
    )  # fmt: skip


def _refuse_discord(faces: int, rows: np.ndarray, names: list[str], table: np.ndarray) -> None:
    """``ValueError`` unless each face has one row of the table, and each attribute one bit."""
    if rows.shape != (faces,):
        raise ValueError(f"{faces} faces, but numbers of shape {rows.shape}")
    if rows[0] < 0 or rows[-1] >= IMAGES or not (rows[1:] > rows[:-1]).all():
        raise ValueError(f"numbers must rise, from 1 to {IMAGES:,} at most")
    wanted = (IMAGES, -(-len(names) // 8))
    if table.shape != wanted:
        raise ValueError(f"{len(names)} attributes need a table {wanted}, got {table.shape}")

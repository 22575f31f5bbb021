"""Faces by the person they show: few images of many people, as in the papers that use VGGFace."""

import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch

from kit.datasets.data import ImageData
from kit.datasets.pictures import read_files, suffixes
from kit.datasets.sources import no_download
from kit.datasets.strips import inside

ORL_SIDE = 32  # pixels
ORL_TRAIN = 7  # of a person's ten images, the first; the rest test


def load_faces50(root: Path, download: bool) -> ImageData:
    """50 people of CelebA, 24 + 6 grey images each of 150 pixels, in three equal channels.

    The folder ``faces50`` has ``train``, ``validation`` and ``test``, in each a folder a person;
    the last two are the test images.
    """
    folder, archive = root / "faces50", root / "celeba_50faces_150.tar"
    if folder.is_dir():
        return _by_person(folder, "faces50")
    if archive.is_file():
        return inside(archive, lambda tar: _unpacked(tar, archive.stem))
    how = "sort faces into train, validation and test by person"
    raise no_download("faces50", folder, how, archive)


def load_orl(root: Path, download: bool) -> ImageData:
    """The AT&T Database of Faces (Samaria and Harter 1994): 40 people, 7 + 3 grey images each.

    From its own folder ``orl_faces`` or ``att_faces``, ``s1/1.pgm`` to ``s40/10.pgm``, cut to
    squares; or from ``orl_faces_32.npz``, ``images`` ``[400, 32, 32]`` and ``people`` ``[400]``.
    """
    array = root / "orl_faces_32.npz"
    for folder in (root / "orl_faces", root / "att_faces"):
        if folder.is_dir():
            found = [(int(f.parent.name[1:]), int(f.stem), f) for f in folder.glob("s*/*.pgm")]
            if not found:
                raise ValueError(f"{folder} holds no s1/1.pgm, s1/2.pgm, ...")
            people, _, files = zip(*sorted(found), strict=True)
            images, _ = read_files(list(files), ORL_SIDE, grey=True)
            return _cut_by_person("orl-faces", images, torch.tensor(people))
    if not array.is_file():
        where = root / "orl_faces"
        raise no_download("orl-faces", where, "unpack AT&T's orl_faces archive there", array)
    try:
        with np.load(array, allow_pickle=False) as saved:
            images, people = (torch.from_numpy(saved[key]) for key in ("images", "people"))
        if images.dim() != 3 or len(images) != len(people):
            raise ValueError(f"images {tuple(images.shape)}, people {tuple(people.shape)}")
    except Exception as error:  # a damaged archive raises many kinds
        raise ValueError(f"{array} does not hold the faces: {error}") from error
    return _cut_by_person("orl-faces", images[:, None], people)


def _cut_by_person(name: str, images: torch.Tensor, people: torch.Tensor) -> ImageData:
    """The first ``ORL_TRAIN`` images of each person train, in their order."""
    names, labels = people.unique(return_inverse=True)
    rank = torch.stack([(labels[:row] == labels[row]).sum() for row in range(len(labels))])
    train = rank < ORL_TRAIN
    classes = [f"person {number}" for number in names.tolist()]
    return ImageData(name, images[train], labels[train], images[~train], labels[~train], classes)


def _by_person(folder: Path, name: str) -> ImageData:
    """A tree with ``train``, ``validation`` and ``test``."""
    if not (folder / "train").is_dir():
        raise ValueError(f"{folder} has no folder train with a folder for each person")
    people = sorted(p.name for p in (folder / "train").iterdir() if p.is_dir())
    pictures, labels, names = {}, {}, {}
    for part, folders in (("train", ["train"]), ("test", ["validation", "test"])):
        files = [
            (file, label)
            for label, person in enumerate(people)
            for inner in folders
            for file in sorted((folder / inner / person).glob("*"))
            if file.suffix.lower() in suffixes()
        ]
        absent = set(range(len(people))) - {label for _, label in files}
        if absent:
            who = ", ".join(people[label] for label in sorted(absent)[:5])
            raise ValueError(f"{folder}: no picture in {' or '.join(folders)} of {who}")
        names[part] = tuple(f"{file.parent.name}/{file.name}" for file, _ in files)
        pictures[part], _ = read_files([file for file, _ in files])
        labels[part] = torch.tensor([label for _, label in files])
    return ImageData(
        name, pictures["train"], labels["train"], pictures["test"], labels["test"], people,
        train_files=names["train"],
    )  # fmt: skip


def _unpacked(tar: tarfile.TarFile, stem: str) -> ImageData:
    """The archive's tree, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        tar.extractall(folder, filter="data")
        return _by_person(Path(folder) / stem, "faces50")

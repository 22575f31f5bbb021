"""Faces by the person they show: few images of many people, as in the papers that use VGGFace."""

import os
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kit.datasets.data import ImageData
from kit.datasets.listing import visible
from kit.datasets.pictures import suffixes
from kit.datasets.reading import read_files
from kit.datasets.sources import damaged, no_download
from kit.datasets.strips import inside

ORL_SIDE = 32  # pixels
ORL_TRAIN = 7  # of a person's ten images, the first; the rest test


def load_faces50(root: Path, download: bool) -> ImageData:
    """50 people of CelebA, 24 + 6 grey images each in three equal channels, uint8
    ``[n, 3, 150, 150]``.

    The folder ``faces50``, or the archive, has ``train``, ``validation`` and ``test``, in each a
    folder a person; the last two are the test images.

    Raises
    ------
    FileNotFoundError
        neither the folder nor the archive is there.
    ValueError
        no folder train, a person without training or without test images, pictures that cannot be
        read or are not squares of one size, a damaged archive.
    """
    folder, archive = root / "faces50", root / "celeba_50faces_150.tar"
    if folder.is_dir():
        return _of_people(folder)
    if archive.is_file():
        return inside(archive, lambda tar: _unpacked(tar, archive.stem))
    how = "sort faces into train, validation and test by person"
    raise no_download("faces50", folder, how, archive)


def load_orl(root: Path, download: bool) -> ImageData:
    """The AT&T Database of Faces (Samaria and Harter 1994): 40 people, 7 + 3 grey images each,
    uint8 ``[n, 1, 32, 32]``.

    From its own folder ``orl_faces`` or ``att_faces``, ``s1/1.pgm`` to ``s40/10.pgm``, cut to
    squares; or from ``orl_faces_32.npz``, ``images`` ``[400, 32, 32]`` and ``people`` ``[400]``.

    Raises
    ------
    FileNotFoundError
        neither is there.
    ValueError
        a folder or an array of something else, or damaged; people for other than all images; a
        person with no image left to test.
    """
    array, folders = root / "orl_faces_32.npz", (root / "orl_faces", root / "att_faces")
    there = next((folder for folder in folders if folder.is_dir()), array)
    if not there.exists():
        how = "unpack AT&T's orl_faces archive there"
        raise no_download("orl-faces", folders[0], how, array)
    try:
        images, people = _orl_array(there) if there == array else _orl_folder(there)
        return _cut_by_person("orl-faces", images, people)
    except Exception as error:  # a damaged file raises many kinds
        raise damaged(there, error) from error


def _orl_folder(folder: Path) -> tuple[Tensor, Tensor]:
    """The images ``[n, 1, 32, 32]`` in the order of their numbers, and the people ``[n]``."""
    files = [file for file in folder.glob("s*/*.pgm") if file.name[0] != "."]
    odd = [f for f in files if not (f.parent.name[1:].isdecimal() and f.stem.isdecimal())]
    if odd or not files:
        raise ValueError(f"faces are s1/1.pgm to s40/10.pgm, found {odd[0] if odd else 'none'}")
    found = [(int(file.parent.name[1:]), int(file.stem), file) for file in files]
    people, _, files = zip(*sorted(found), strict=True)
    return read_files(list(files), ORL_SIDE, grey=True)[0], torch.tensor(people)


def _orl_array(file: Path) -> tuple[Tensor, Tensor]:
    """The same out of the archive of two arrays."""
    with np.load(file, allow_pickle=False) as saved:
        images, people = saved["images"], saved["people"]
    if images.shape != (len(images), ORL_SIDE, ORL_SIDE) or people.shape != (len(images),):
        raise ValueError(f"images {images.shape} and people {people.shape} do not agree")
    if people.dtype.kind not in "iu":
        raise ValueError(f"people must be whole numbers, got {people.dtype}")
    return torch.from_numpy(images)[:, None], torch.from_numpy(people.astype(np.int64))


def _cut_by_person(name: str, images: Tensor, people: Tensor) -> ImageData:
    """The first ``ORL_TRAIN`` images of each person train, in their order."""
    names, labels, counts = people.unique(return_inverse=True, return_counts=True)
    if len(few := names[counts <= ORL_TRAIN]):
        raise ValueError(
            f"person {few[0]} has no more than {ORL_TRAIN} images, and those train: none is left "
            f"as a test image"
        )
    rank = torch.stack([(labels[:row] == labels[row]).sum() for row in range(len(labels))])
    train = rank < ORL_TRAIN
    classes = [f"person {number}" for number in names.tolist()]
    return ImageData(name, images[train], labels[train], images[~train], labels[~train], classes)


def _of_people(folder: Path) -> ImageData:
    """A tree with ``train``, ``validation`` and ``test``."""
    train, *tests = (_pictures(folder / part) for part in ("train", "validation", "test"))
    if not train:
        raise ValueError(f"{folder} has no folder train with a folder for each person")
    people = sorted({person for part in (train, *tests) for person in part})
    train_x, train_y, files = _read(people, [train], f"{folder}/train")
    test_x, test_y, _ = _read(people, tests, f"{folder}/validation and test")
    return ImageData(
        "faces50", train_x, train_y, test_x, test_y, people,
        train_files=tuple(str(file.absolute()) for file in files),
    )  # fmt: skip


def _read(
    people: list[str], folders: list[dict[str, list[Path]]], where: str
) -> tuple[Tensor, Tensor, list[Path]]:
    """The pictures of these people in several folders, their labels, their files."""
    files = [[file for of in folders for file in of.get(person, [])] for person in people]
    absent = [person for person, theirs in zip(people, files, strict=True) if not theirs]
    if absent:
        raise ValueError(f"{where}: there is no picture of {', '.join(absent[:5])}")
    counts = torch.tensor([len(theirs) for theirs in files])
    labels = torch.arange(len(people)).repeat_interleave(counts)
    files = [file for theirs in files for file in theirs]
    return read_files(files)[0], labels, files


def _pictures(folder: Path) -> dict[str, list[Path]]:
    """Each person's pictures in a folder, which may be absent."""
    wanted, people = suffixes(), visible(folder) if folder.is_dir() else []
    return {
        person.name: [file for file in visible(person) if file.suffix.lower() in wanted]
        for person in people
        if person.is_dir()
    }


def _unpacked(tar: tarfile.TarFile, stem: str) -> ImageData:
    """The archive's tree, in a folder that is gone afterwards: no sentence names it."""
    with tempfile.TemporaryDirectory() as folder:
        tar.extractall(folder, filter="data")
        try:
            data = _of_people(Path(folder) / stem)
        except ValueError as error:
            raise ValueError(str(error).replace(f"{folder}{os.sep}", "")) from error
    return replace(data, train_files=tuple("/".join(Path(f).parts[-2:]) for f in data.train_files))

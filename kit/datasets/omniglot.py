"""omniglot-small (Lake et al. 2015): 242 handwritten characters as 242 identities to forget."""

import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from kit.datasets.data import ImageData
from kit.datasets.sources import missing

ARCHIVES = {  # name: MD5
    "images_background_small1.zip": "e704a628b5459e08445c13499850abc4",
    "images_background_small2.zip": "b75a71a51d3b13f821f212756fe481fd",
}
URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
IMAGE_SIZE = 32  # pixels; the drawings are 105 x 105
TRAIN_DRAWINGS = 16  # drawings 1-16 train, 17-20 test


def load_small(root: Path, download: bool) -> ImageData:
    """Both small background archives: 20 drawings each of 242 different characters, 32 x 32."""
    folder = root / "omniglot"
    if download:
        from torchvision.datasets.utils import download_url  # slow to import

        for name, md5 in ARCHIVES.items():
            download_url(URL + name, folder, name, md5)
    paths = [_archive(root, folder, name) for name in ARCHIVES]
    drawings: dict[str, list[Tensor]] = {}
    for path in paths:
        # The two archives share 50 characters: the second copy is dropped.
        drawings |= {k: v for k, v in _read(path).items() if k not in drawings}
    classes = sorted(drawings)
    images = torch.stack(
        [torch.stack(drawings[name]) for name in classes]
    )  # [classes, 20, 1, S, S]
    labels = torch.arange(len(classes))[:, None].expand(images.shape[:2])
    train, test = slice(None, TRAIN_DRAWINGS), slice(TRAIN_DRAWINGS, None)
    return ImageData(
        "omniglot-small",
        images[:, train].flatten(0, 1),
        labels[:, train].flatten(),
        images[:, test].flatten(0, 1),
        labels[:, test].flatten(),
        classes,
    )


def _read(path: Path) -> dict[str, list[Tensor]]:
    """Character name -> its drawings as uint8 [1, S, S], ink bright on dark, in drawer order."""
    drawings: dict[str, list[Tensor]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(n for n in archive.namelist() if n.endswith(".png")):
                _, alphabet, character, _ = member.split("/")
                image = Image.open(BytesIO(archive.read(member))).convert("L")
                image = image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BOX)
                pixels = 255 - torch.from_numpy(np.array(image))
                drawings.setdefault(f"{alphabet}/{character}", []).append(pixels[None])
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError) as error:
        raise ValueError(f"{path} is corrupt or not an Omniglot archive: {error}") from error
    counts = {len(v) for v in drawings.values()}
    if len(counts) != 1 or counts.pop() <= TRAIN_DRAWINGS:
        raise ValueError(
            f"{path} must hold the same number of drawings, more than {TRAIN_DRAWINGS}, "
            f"of every character"
        )
    return drawings


def _archive(root: Path, folder: Path, name: str) -> Path:
    for path in (folder / name, root / name, root / f"omniglot_{name}"):
        if path.exists():
            return path
    raise missing("omniglot-small", folder / name, f"download {', '.join(ARCHIVES)} from {URL}")

"""Made photographs: JPEG files of a few hundred textures, no two of them alike."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES, TEXTURES, SIDE = 10, 300, 300
SMALLEST, LARGEST, QUALITY = 224, 260, 89


def make_jpegs(folder: Path, count: int) -> None:
    """Write so many pictures of 15 to 25 kB into the folders of ten classes, in threads."""
    rng = np.random.default_rng(0)
    textures = [_texture(rng) for _ in range(TEXTURES)]
    for number in range(CLASSES):
        (folder / f"class{number}").mkdir(parents=True)

    def write(number: int) -> None:
        file = folder / f"class{number % CLASSES}" / f"{number:06}.jpg"
        _cut_out(textures, number).save(file, quality=QUALITY)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, range(count)))


def _texture(rng: np.random.Generator) -> np.ndarray:
    """Soft shapes of several sizes and a little noise, uint8 ``[SIDE, SIDE, 3]``."""
    total = np.zeros((SIDE, SIDE, 3))
    for side, strength in ((4, 60), (12, 35), (40, 20), (110, 9)):
        coarse = rng.normal(size=(side, side, 3))
        channels = [
            np.asarray(Image.fromarray(coarse[..., c].astype(np.float32)).resize((SIDE, SIDE)))
            for c in range(3)
        ]
        total += strength * np.stack(channels, 2)
    grain = rng.normal(0, 4, (SIDE, SIDE, 1))
    return np.clip(128 + total + grain, 0, 255).astype(np.uint8)


def _cut_out(textures: list[np.ndarray], number: int) -> Image.Image:
    """A part of a texture of a size of its own, perhaps mirrored, lighter or darker."""
    rng = np.random.default_rng(number)
    texture = textures[rng.integers(TEXTURES)]
    height, width = rng.integers(SMALLEST, LARGEST + 1, 2)
    down, right = rng.integers(SIDE - height + 1), rng.integers(SIDE - width + 1)
    cut = texture[down : down + height, right : right + width]
    cut = cut[:, ::-1] if rng.random() < 0.5 else cut
    brighter = np.clip(np.arange(256) + rng.integers(-30, 31), 0, 255).astype(np.uint8)
    return Image.fromarray(brighter[cut])

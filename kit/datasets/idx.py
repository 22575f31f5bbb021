"""The IDX format of MNIST and Fashion-MNIST, plain or gzipped."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def read_idx(path: Path) -> Tensor:
    """Read an IDX file of unsigned bytes, shape as its header says.

    Raises
    ------
    ValueError
        not an IDX file of bytes, or truncated.
    """
    raw = path.read_bytes()
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is corrupt or truncated: {error}") from error
    # Header: two zero bytes, 0x08 for unsigned bytes, number of dimensions, then the sizes.
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is not an IDX file of unsigned bytes")
    header = 4 + 4 * raw[3]
    shape = np.frombuffer(raw[4:header], dtype=">u4").astype(int)
    if len(raw) != header + shape.prod():
        raise ValueError(
            f"{path} is corrupt or truncated: its header promises {shape.prod():,} bytes, "
            f"it holds {max(len(raw) - header, 0):,}"
        )
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=header).reshape(shape).copy())

"""Files that are there whole or not at all."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LITTLE = 2**20  # bytes; with less a disk counts as full


def user_cache() -> Path:
    """A folder of the user's for what can be made again; without a home folder, one of the
    system's for temporary files."""
    try:
        home = Path.home() / ".cache"
    except RuntimeError:  # a user whom the system does not know, as in many containers
        home = Path(tempfile.gettempdir())
    return home / "did-it-really-forget"


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """A path to write to; it becomes ``file`` when the ``with`` ends without an error.

    A reader, or a process that is killed, never meets half a file. Where writing fails, what was
    written is removed again.

    Raises
    ------
    OSError
        no space is left, or nothing may be written there: the sentence names the folder.
    """
    half = file.with_suffix(f".{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield half
        half.replace(file)
    except BaseException as error:
        full = getattr(error, "errno", 0) == errno.ENOSPC
        if isinstance(error, RuntimeError) and half.exists():  # torch.save does not say why
            full = shutil.disk_usage(half.parent).free < LITTLE
        half.unlink(missing_ok=True)
        if full:
            raise OSError(f"no space is left in {file.parent} for {file.name}") from error
        raise

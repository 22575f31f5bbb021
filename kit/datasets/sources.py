"""Where data sets live on disk, and the errors for data that are not there or damaged."""

import os
from pathlib import Path

from kit.runtime.files import user_cache


def data_root(root: str | Path | None = None) -> Path:
    """The folder that holds downloaded data: ``root``, else ``$KIT_DATA``, else a user cache."""
    if root is None:
        root = os.environ.get("KIT_DATA") or user_cache() / "data"
    return Path(root).expanduser()


def missing(name: str, where: Path, other_way: str) -> FileNotFoundError:
    """The error that names the three ways to get a data set that is not on this machine."""
    return FileNotFoundError(
        f"{name} is not on this machine (looked in {where}). Three ways to get it: "
        f'(1) kit.datasets.load("{name}", download=True); '
        f"(2) {other_way}; "
        f"(3) set KIT_DATA or pass root= to name the folder that holds it."
    )


def no_download(
    name: str, where: Path, other_way: str, archive: Path | None = None
) -> FileNotFoundError:
    """The same for a set that nobody may pass on, or that stands nowhere to be fetched; it may lie
    in the folder ``where``, or as an ``archive``."""
    looked = where if archive is None else f"{where} and {archive}"
    return FileNotFoundError(
        f"{name} is not on this machine (looked in {looked}) and cannot be downloaded. Three ways "
        f"on: (1) {other_way}; (2) give a set of your own, kit.datasets.from_folder(path); "
        f"(3) set KIT_DATA or pass root= to name the folder that holds it."
    )


def damaged(where: Path, error: Exception) -> ValueError:
    """The error for a file or a folder that is there, but does not hold the set it should."""
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    said = f"{kind}{error}".rstrip(": ")
    return ValueError(f"{where} is damaged or of another kind: {said}; get it again")

"""Which pictures lie in a tree of folders."""

import unicodedata
from collections import Counter
from pathlib import Path

from kit.datasets.pictures import HEIC, suffixes

HIDDEN = {"__macosx", "@eadir", "thumbs.db", "desktop.ini"}  # and all that begins with a dot


def index_classes(folder: Path) -> tuple[dict[str, list[Path]], Counter]:
    """Class name -> its image files, sorted by name; and how many of what kind are left out.

    However a system composes accents, a name is the same.

    Raises
    ------
    FileNotFoundError
        the folder is not there.
    ValueError
        two folders of one name, no classes, a class without images.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is not there; from_folder needs train/<class>/* and test/<class>/*, or "
            f"neither: then it splits <class>/* itself, and where one of the two is a class, "
            f"test_share= says so"
        )
    wanted, left_out, classes = suffixes(), Counter(), {}
    for inside in visible(folder):
        if not inside.is_dir():
            left_out["file beside the class folders"] += 1
            continue
        name = composed(inside.name)
        if name in classes:
            raise ValueError(f"{folder} has two folders called {name!r}, to the eye the same")
        classes[name] = []
        for file in visible(inside):
            if (kind := _kind(file)) in wanted:
                classes[name].append(file)
            else:
                left_out[kind] += 1
    empty = sorted(name for name, files in classes.items() if not files)
    if not classes or empty:
        found = f"; there are {counted(left_out)}" if left_out else ""
        raise ValueError(f"{folder} has no images in {empty or 'any class folder'}{found}")
    return classes, left_out


def visible(folder: Path) -> list[Path]:
    """What is in a folder, sorted, but for what systems and tools hide there."""
    seen = (f for f in folder.iterdir() if f.name[0] != "." and f.name.lower() not in HIDDEN)
    return sorted(seen, key=lambda file: composed(file.name))


def composed(name: str) -> str:
    """A name as it is the same on all systems: some store accents apart from their letters."""
    return unicodedata.normalize("NFC", name)


def below(file: Path, folder: Path) -> str:
    """The path of a file below a folder, the same on all systems."""
    return composed(file.relative_to(folder).as_posix())


def counted(left_out: Counter) -> str:
    """What is left out, as a sentence says it."""
    counts = ", ".join(f"{count} x {kind}" for kind, count in sorted(left_out.items()))
    phones = HEIC & set(left_out)
    return (
        f"{counts}; the package pillow-heif reads {', '.join(sorted(phones))}" if phones else counts
    )


def _kind(file: Path) -> str:
    """The suffix of a file, or what else it is."""
    return "sub-folder" if file.is_dir() else file.suffix.lower() or "file without a suffix"

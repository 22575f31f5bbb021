"""Which training images a request names by files: paths, patterns, or a list of them in a table."""

import csv
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from kit.datasets import ImageData

Files = str | os.PathLike | Iterable[str | os.PathLike]
TABLES = {".csv", ".tsv", ".txt"}  # endings of lists of files
COLUMNS = ("file", "path", "filename", "file_name", "image", "picture")  # that hold the files


def file_rows(data: ImageData, files: Files, column: str | None = None) -> list[int]:
    """The rows of the training images that were read from these files, sorted.

    Parameters
    ----------
    files
        paths, of which the end is enough; patterns such as ``customer_37/*``; or one table, a CSV
        with a column of them, or a text with one a line.
    column
        of the table; by default its only one, or the one called "file", "path", "filename",
        "image" or "picture".

    Raises
    ------
    ValueError
        data that come from no files, a table that cannot be read, files of no training image (all
        are named), the end of a path that fits several, one path twice.
    """
    if not data.train_files:
        raise ValueError(f"{data.name} does not know its files: name images by their rows")
    one = [files] if isinstance(files, str | os.PathLike) else files
    if not isinstance(one, Iterable) or isinstance(one, dict | bytes):
        raise ValueError(f"files must be paths, got {files!r:.60}")
    named = list(one)
    odd = [name for name in named if not isinstance(name, str | os.PathLike)]
    if odd:
        raise ValueError(f"files must be paths, got {odd[0]!r:.60}")
    listed = len(named) == 1 and Path(named[0]).suffix.lower() in TABLES
    if column is not None and not listed:
        raise ValueError(f"column={column!r} is for a table of files: a {', '.join(TABLES)}")
    if not listed:
        return _rows(data, named)
    return sorted(set(_rows(data, read_list(named[0], column))))


def read_list(table: str | os.PathLike, column: str | None = None) -> list[str]:
    """The files that a table names, each once, in its order.

    Raises
    ------
    ValueError
        no such table, no text, no such column, several that may be meant, none in it.
    """
    table = Path(table)
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        said = "is not text in UTF-8" if isinstance(error, ValueError) else "cannot be read"
        raise ValueError(f"the request {table} {said}: {error}") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"the request {table} is empty: write one file a line")
    if table.suffix.lower() == ".txt":
        return list(dict.fromkeys(line.strip() for line in lines))
    rows = list(csv.reader(lines, delimiter=_delimiter(lines[0])))
    place = _place(table, rows[0], column)
    first = 0 if place is None else 1  # without a header the first line is a file, too
    cells = [row[place or 0].strip() for row in rows[first:] if len(row) > (place or 0)]
    names = list(dict.fromkeys(filter(None, cells)))
    if not names:
        raise ValueError(f"the request {table} names no file: there is a header alone")
    return names


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _place(table: Path, header: list[str], column: str | None) -> int | None:
    """Which column holds the files; None where the first line is none of headers."""
    titles = [title.strip().casefold() for title in header]
    if column is not None:
        if column.strip().casefold() not in titles:
            raise ValueError(f"{table} has no column {column!r}; it has {', '.join(header)}")
        return titles.index(column.strip().casefold())
    for title in COLUMNS:
        if title in titles:
            return titles.index(title)
    if len(titles) == 1:
        return None if re.search(r"[./*]", titles[0]) else 0
    raise ValueError(
        f"{table} has the columns {', '.join(header)}: name the one that holds the files, "
        f"column= or --column"
    )


def _rows(data: ImageData, named: list[str | os.PathLike]) -> list[int]:
    """The rows of all that is named; ``ValueError`` with the list of what is not there.

    Test images count, too: the end of a path that also fits one of them does not name one image.
    """
    count = len(data.train_files)
    paths = [_posix(file) for file in (*data.train_files, *data.test_files)]
    ends = defaultdict(list)  # name of a file -> rows; those of test images lie beyond ``count``
    for row, path in enumerate(paths):
        ends[path.rpartition("/")[2]].append(row)
    found = {str(name): _matching(_posix(name), paths, ends) for name in named}
    missing = {
        name: " (a test image)" if rows else ""
        for name, rows in found.items()
        if not any(row < count for row in rows)
    }
    if missing:
        raise ValueError(_told(data, missing, len(named)))
    for name, rows in found.items():
        if len(rows) > 1 and not _is_pattern(name):
            kind = "training images" if max(rows) < count else "images, of the test some"
            raise ValueError(f"{name!r} may be any of {len(rows)} {kind}: give more of its path")
    patterns = {row for n, rows in found.items() if _is_pattern(n) for row in rows if row < count}
    single = [found[str(name)][0] for name in named if not _is_pattern(str(name))]
    return single + sorted(patterns - set(single))


def _matching(name: str, paths: list[str], ends: dict[str, list[int]]) -> list[int]:
    """The rows whose path ends so, or that a pattern fits."""
    for path in (name, name.replace("\\", "/")):  # as Windows writes it
        tail = "/" + path.removeprefix("/")
        if rows := [r for r in ends[path.rpartition("/")[2]] if f"/{paths[r]}".endswith(tail)]:
            return rows
    if not _is_pattern(name):
        return []
    pattern = re.compile(_regular(name))
    return [row for row, path in enumerate(paths) if pattern.search(path)]


def _is_pattern(name: str) -> bool:
    return bool(re.search(r"[*?]", name))


def _regular(pattern: str) -> str:
    """A pattern of file names as a regular expression for the end of a path: ``*`` and ``?`` stay
    inside one folder, ``**`` does not."""
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "(?:^|/)" + "".join(signs.get(part) or re.escape(part) for part in parts) + "$"


def _posix(file: str | os.PathLike) -> str:
    return Path(unicodedata.normalize("NFC", os.fspath(file))).as_posix()


def _told(data: ImageData, missing: dict[str, str], count: int) -> str:
    """What is not there, all of it, and where it is instead."""
    lines = [repr(name) + where for name, where in missing.items()]
    said = f"no training image of {data.name} was read from"
    if len(missing) > 1:
        return "\n  ".join([f"{said} {len(missing)} of the {count} files named:", *lines])
    (name,) = missing
    known = unicodedata.normalize("NFC", name) in data.classes
    hint = "; to forget a class, use forget_classes or --class" if known else ""
    return f"{said} {lines[0]}{hint}"

"""The chapters of the book: which there are, and what text they have."""

import hashlib
import sys
from pathlib import Path

import nbformat
import yaml

REPOSITORY = Path(__file__).parent.parent
MADE_FROM = {".py", ".toml", ".npz", ".tar"}  # what counts in kit/


def contents() -> dict:
    """The table of contents."""
    return yaml.safe_load((REPOSITORY / "_toc.yml").read_text())


def pages() -> list[str]:
    """The addresses of all pages, without their ending, in the book's order."""
    toc = contents()
    return [toc["root"], *(chapter["file"] for p in toc["parts"] for chapter in p["chapters"])]


def names() -> list[str]:
    """The names of the book's notebooks, in its order."""
    files = map(Path, pages())
    return [file.name for file in files if file.parent.name == "notebooks"]


def is_current(executed: Path, source: Path, of: str | None = None) -> bool:
    """Whether a chapter has been executed with the text that it has now, and with these inputs."""
    if not (executed.exists() and source.exists()):
        return False
    ran = nbformat.read(executed, as_version=4).metadata.get("kit", {})
    return ran.get("source") == fingerprint(source) and of in (None, ran.get("inputs"))


def fingerprint(source: Path) -> str:
    """Hash of a chapter's text and code."""
    return hashlib.sha256(source.read_bytes()).hexdigest()[:16]


def inputs() -> str:
    """Hash of what a chapter is made from besides its text: kit, data, records, package lock."""
    files = [REPOSITORY / "constraints.txt", *(REPOSITORY / "results").glob("records/*.json")]
    files += [f for f in (REPOSITORY / "kit").rglob("*") if f.suffix in MADE_FROM]
    digest = hashlib.sha256(sys.version.encode())
    for file in sorted(files):
        digest.update(str(file.relative_to(REPOSITORY)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]

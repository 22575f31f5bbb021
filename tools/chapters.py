"""The chapters of the book: which there are, and what text they have."""

import hashlib
from pathlib import Path

import nbformat
import yaml

REPOSITORY = Path(__file__).parent.parent


def names() -> list[str]:
    """The names of the book's notebooks, in its order."""
    parts = yaml.safe_load((REPOSITORY / "_toc.yml").read_text())["parts"]
    files = [Path(chapter["file"]) for part in parts for chapter in part["chapters"]]
    return [file.name for file in files if file.parent.name == "notebooks"]


def is_current(executed: Path, source: Path) -> bool:
    """Whether a chapter has been executed with the text that it has now."""
    if not (executed.exists() and source.exists()):
        return False
    ran = nbformat.read(executed, as_version=4).metadata.get("kit", {})
    return ran.get("source") == fingerprint(source)


def fingerprint(source: Path) -> str:
    """Hash of a chapter's text and code."""
    return hashlib.sha256(source.read_bytes()).hexdigest()[:16]

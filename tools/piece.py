"""A piece of Markdown that a page includes: computed HTML, and the command that writes it."""

import argparse
from collections.abc import Callable
from pathlib import Path


def raw(html: str) -> str:
    """HTML as a piece of Markdown."""
    return f"```{{raw}} html\n{html}\n```\n"


def main(told: str, text: Callable[[], str], arguments: list[str] | None = None) -> None:
    """Write the piece to the file that the command line names."""
    parser = argparse.ArgumentParser(description=told.splitlines()[0])
    parser.add_argument("target", type=Path)
    target = parser.parse_args(arguments).target
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text())

"""Lay out what Jupyter Book builds: executed chapters in the place of their sources.

    python tools/stage.py _build/executed/quick _build/stage

The staged tree has the shape of the repository, so that a page's Colab and download links name the
committed notebooks/<chapter>.ipynb. The table of the status page is made of what papermill wrote.
"""

import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import nbformat

PACKAGES = ("torch", "torchvision", "numpy", "matplotlib", "jupyter-book", "papermill")


def stage(executed: Path, target: Path) -> None:
    """Copy settings, pages and executed chapters; files that did not change keep their date."""
    repository = Path(__file__).parent.parent
    for name in ("_config.yml", "_toc.yml"):
        write((repository / name).read_bytes(), target / name)
    for file in (repository / "book").rglob("*"):
        if file.is_file():
            write(file.read_bytes(), target / file.relative_to(repository))
    chapters = sorted(executed.glob("*.ipynb"))
    for chapter in chapters:
        write(page(chapter), target / "notebooks" / chapter.name)
    write(status_table(chapters).encode(), target / "book" / "_status_table.md")


def page(chapter: Path) -> bytes:
    """An executed chapter without the default parameters, which papermill's own cell replaced."""
    notebook = nbformat.read(chapter, as_version=4)
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    if any("injected-parameters" in t for t in tags):
        for t in tags:
            if "parameters" in t:
                t.append("remove-cell")
    return nbformat.writes(notebook).encode()


def write(content: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != content:
        target.write_bytes(content)


def status_table(chapters: list[Path]) -> str:
    """When each chapter was last executed, at which profile, and how long it took."""
    lines = ["| chapter | profile | executed | seconds |", "|---|---|---|---|"]
    for chapter in chapters:
        notebook = nbformat.read(chapter, as_version=4)
        run = notebook.metadata["papermill"]
        date = datetime.fromisoformat(run["start_time"]).strftime("%Y-%m-%d %H:%M")
        profile = run["parameters"].get("profile", "")
        link = f"[{title(notebook)}](../notebooks/{chapter.name})"
        lines.append(f"| {link} | {profile} | {date} | {run['duration']:.0f} |")
    versions = ", ".join(f"{p} {version(p)}" for p in PACKAGES)
    return "\n".join(lines) + f"\n\nPython {sys.version.split()[0]}, {versions}.\n"


def title(notebook) -> str:
    cells = (c.source for c in notebook.cells if c.cell_type == "markdown")
    headings = (line for text in cells for line in text.splitlines() if line.startswith("# "))
    return next(headings).removeprefix("# ")


if __name__ == "__main__":
    stage(Path(sys.argv[1]), Path(sys.argv[2]))

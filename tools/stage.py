"""Lay out what Jupyter Book builds: executed chapters in the place of their sources.

    python tools/stage.py _build/executed/quick _build/stage

With several folders a chapter is taken from the first that has it with today's text: its run at the
largest scale. Only if none has it an older text is taken; the status page says so.
The staged tree has the shape of the repository, so that a page's Colab and download links name the
committed notebooks/<chapter>.ipynb. What is computed of the whole book is written beside its pages:
the tables of the status page (tools/status.py), and what the first page shows (tools/front.py,
tools/book_map.py, tools/break_the_mask.py).
"""

import argparse
from pathlib import Path

import book_map
import break_the_mask
import front
import nbformat
import status
from chapters import REPOSITORY, is_current, names

from kit.experiments import results


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("executed", nargs="+", type=Path, help="folders, the preferred one first")
    parser.add_argument("target", type=Path)
    args = parser.parse_args(arguments)
    try:
        stage(find(args.executed), args.target)
    except FileNotFoundError as error:
        parser.error(str(error))


def find(folders: list[Path]) -> list[Path]:
    """For every chapter of the book its copy in the first folder that has one of today's text."""
    found, absent = [], []
    for name in names():
        copies = [folder / f"{name}.ipynb" for folder in folders]
        there = [copy for copy in copies if copy.exists()]
        source = REPOSITORY / "notebooks" / f"{name}.ipynb"
        found += sorted(there, key=lambda copy: not is_current(copy, source))[:1]
        absent += [] if there else [name]
    if absent:
        where = ", ".join(map(str, folders))
        raise FileNotFoundError(
            f"no executed copy of {', '.join(absent)} in {where}: run make paper, or make book"
        )
    return found


def stage(executed: list[Path], target: Path) -> None:
    """Copy settings, pages and executed chapters; files that did not change keep their date."""
    for name in ("_config.yml", "_toc.yml"):
        write((REPOSITORY / name).read_bytes(), target / name)
    for file in (REPOSITORY / "book").rglob("*"):
        if file.is_file():
            write(file.read_bytes(), target / file.relative_to(REPOSITORY))
    for chapter in executed:
        write(page(chapter), target / "notebooks" / chapter.name)
    for name, text in included(executed).items():
        write(text.encode(), target / "book" / name)


def included(executed: list[Path]) -> dict[str, str]:
    """What pages include that is computed: the name of each file and its text."""
    experiments = sorted((REPOSITORY / "results" / "experiments").glob("*.toml"))
    return {
        "_status_chapters.md": status.chapters(executed),
        "_status_experiments.md": status.experiments(experiments, results.read()),
        "_map.md": book_map.text(),
        "_break_the_mask.md": break_the_mask.text(),
        "_result.md": front.result(),
        "_hours.md": front.hours(),
    }


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


if __name__ == "__main__":
    main()

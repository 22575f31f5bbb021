"""Execute chapters at a profile, and note in each what ran it.

    python tools/execute.py --profile paper --into results/executed/paper notebooks/*.ipynb

A chapter is written when it has run to its end; one that fails, has no kernel or is damaged is
reported and does not stop the others. With --resume, chapters executed since their text last
changed are left as they are.
"""

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import papermill
from chapters import fingerprint, is_current

from kit.runtime.device import device_name
from kit.runtime.files import whole
from kit.runtime.progress import progress
from kit.runtime.version import commit
from kit.training.profiles import profile

PACKAGES = ("torch", "torchvision", "numpy", "matplotlib", "jupyter-book", "papermill")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="quick", help="quick, laptop or paper")
    parser.add_argument("--into", type=Path, required=True, help="folder of the executed chapters")
    parser.add_argument(
        "--resume", action="store_true", help="only chapters that are not there yet"
    )
    parser.add_argument("chapters", nargs="+", type=Path, help="notebooks/X.ipynb ...")
    args = parser.parse_args(arguments)
    absent = [str(chapter) for chapter in args.chapters if not chapter.exists()]
    try:
        profile(args.profile)
    except ValueError as error:
        parser.error(str(error))
    if absent:
        parser.error(f"not there: {', '.join(absent)}")
    todo = [
        chapter
        for chapter in args.chapters
        if not (args.resume and is_current(args.into / chapter.name, chapter))
    ]
    failed = {}
    for chapter in progress(todo, f"chapters at {args.profile}"):
        try:
            execute(chapter, args.into / chapter.name, args.profile)
        except Exception as error:  # of a cell, of a kernel that is not there, of a damaged file
            failed[chapter] = error
    for chapter, error in failed.items():
        print(f"{chapter} failed:\n{error}", file=sys.stderr)
    return 1 if failed else 0


def execute(source: Path, target: Path, profile: str) -> None:
    """Run one chapter; its metadata say at which profile, on what, from which text and commit."""
    os.environ["KIT_PROGRESS"] = "0"  # bars belong on a terminal, not on a page
    notebook = papermill.execute_notebook(
        source, None, {"profile": profile}, progress_bar=False, log_output=False
    )
    notebook.metadata["kit"] = {
        "source": fingerprint(source),
        "device": device_name(),
        "commit": commit(),
        "versions": {"python": sys.version.split()[0]} | {p: version(p) for p in PACKAGES},
    }
    with whole(target) as half:
        nbformat.write(notebook, half)


if __name__ == "__main__":
    sys.exit(main())

"""Execute chapters at a profile, and note in each what ran it.

    python tools/execute.py --profile paper --into results/executed/paper notebooks/*.ipynb

A chapter is written when it has run to its end; one that fails, has no kernel or is damaged is
reported and does not stop the others. With --resume, chapters executed since their text last
changed are left as they are; with --current, those executed since the kit, the records or the
packages last changed, too. With --jobs N, N run at a time, each on its share of the cores. One line
says which chapters run and how long the rest may take (tools/watch.py).
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from importlib.metadata import version
from pathlib import Path

import nbformat
import papermill
from chapters import fingerprint, inputs, is_current
from watch import Watch, expected

from kit.runtime.device import device_name
from kit.runtime.files import whole
from kit.runtime.version import commit
from kit.training.profiles import profile

PACKAGES = ("torch", "torchvision", "numpy", "matplotlib", "jupyter-book", "papermill")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="quick", help="quick, laptop or paper")
    parser.add_argument("--into", type=Path, required=True, help="folder of the executed chapters")
    keep = parser.add_mutually_exclusive_group()
    keep.add_argument("--resume", action="store_true", help="not those whose text has been run")
    keep.add_argument("--current", action="store_true", help="nor those that nothing has changed")
    parser.add_argument("--jobs", type=int, default=1, help="chapters at a time (1)")
    parser.add_argument("chapters", nargs="+", type=Path, help="notebooks/X.ipynb ...")
    args = parser.parse_args(arguments)
    absent = [str(chapter) for chapter in args.chapters if not chapter.exists()]
    try:
        profile(args.profile)
    except ValueError as error:
        parser.error(str(error))
    if absent:
        parser.error(f"not there: {', '.join(absent)}")
    if args.jobs < 1:
        parser.error(f"--jobs {args.jobs}: at least 1")
    todo = args.chapters
    if args.resume or args.current:
        of = inputs() if args.current else None
        todo = [c for c in todo if not is_current(args.into / c.name, c, of)]
    run = one if args.jobs == 1 else apart(max(1, (os.cpu_count() or 1) // args.jobs))
    failed = every(todo, lambda c: run(c, args.into / c.name, args.profile), args.jobs)
    for chapter, error in failed.items():
        print(f"{chapter} failed:\n{error}", file=sys.stderr)
    return 1 if failed else 0


def every(chapters: list[Path], run: Callable[[Path], str], jobs: int) -> dict[Path, str]:
    """Run all, so many at a time; returns what each that failed has said."""
    failed = {}
    with Watch([chapter.stem for chapter in chapters], expected(), jobs) as watch:

        def watched(chapter: Path) -> None:
            watch.started(chapter.stem)
            if error := run(chapter):
                failed[chapter] = error
            watch.finished(chapter.stem, failed=bool(error))

        if jobs == 1:  # in this thread: a kernel is interrupted with it
            for chapter in chapters:
                watched(chapter)
            return failed
        with ThreadPoolExecutor(jobs) as pool:
            waiting = {pool.submit(watched, chapter) for chapter in chapters}
            try:
                while waiting:
                    ended, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                    for future in ended:
                        future.result()
                    watch.tick()
            except BaseException:  # an interrupt, too: what has not begun does not begin
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return failed


def one(source: Path, target: Path, profile: str) -> str:
    """Run one chapter here; returns what went wrong, or nothing."""
    try:
        execute(source, target, profile)
    except Exception as error:  # of a cell, of a kernel that is not there, of a damaged file
        return str(error) or type(error).__name__
    return ""


def apart(threads: int) -> Callable[[Path, Path, str], str]:
    """Run each chapter in a process of its own, with so many threads."""

    def run(source: Path, target: Path, profile: str) -> str:
        command = [sys.executable, __file__, "--profile", profile, "--into", target.parent, source]
        threaded = os.environ | {"OMP_NUM_THREADS": str(threads), "KIT_WATCH": "0"}
        done = subprocess.run(command, env=threaded, capture_output=True, text=True)
        said = done.stderr.rpartition(f"{source} failed:\n")[2].strip()
        return (said or f"exit status {done.returncode}") if done.returncode else ""

    return run


def execute(source: Path, target: Path, profile: str) -> None:
    """Run one chapter; its metadata say at which profile, on what, from which text and commit."""
    os.environ["KIT_PROGRESS"] = "0"  # bars belong on a terminal, not on a page
    before = fingerprint(source), inputs()
    notebook = papermill.execute_notebook(
        source, None, {"profile": profile}, progress_bar=False, log_output=False
    )
    notebook.metadata["kit"] = {
        "source": before[0],
        "inputs": before[1],
        "device": device_name(),
        "commit": commit(),
        "versions": {"python": sys.version.split()[0]} | {p: version(p) for p in PACKAGES},
    }
    with whole(target) as half:
        nbformat.write(notebook, half)


if __name__ == "__main__":
    sys.exit(main())

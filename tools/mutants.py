"""Plant known defects one at a time in a copy of the repository: do the tests notice them?

    python tools/mutants.py tost_one_sided --jobs 2         (without a name: all of tests/mutants)

An entry names the `file`, the text `old` that occurs in it once, the `new` text, the `tests` that
should fail (arguments of pytest), and `why`. Status 1: a defect survived; 2: a test run broke off.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chapters import REPOSITORY

from kit.runtime.checks import known
from kit.runtime.progress import progress

KEYS = {"name", "file", "old", "new", "tests", "why"}
PYTEST = ("-m", "pytest", "-xq", "-p", "no:cacheprovider")
LIMIT = 900  # seconds that the tests of one mutant may take
OUTCOMES = {0: "survived", 1: "killed"}  # by pytest's exit status; any other: the run broke off


def load(files: list[Path]) -> dict[str, dict]:
    """The entries of these files by name."""
    mutants = {}
    for file in files:
        for entry in tomllib.loads(file.read_text())["mutant"]:
            if wrong := ", ".join(sorted(entry.keys() ^ KEYS)):
                raise ValueError(f"{file}: {entry.get('name')}: missing or unknown: {wrong}")
            if entry["name"] in mutants:
                raise ValueError(f"{file}: there are two mutants {entry['name']}")
            mutants[entry["name"]] = entry
    return mutants


def planted(mutant: dict, root: Path) -> str:
    """The text of its file with the defect; ``ValueError`` if the file has changed since."""
    text = (root / mutant["file"]).read_text()
    if (found := text.count(mutant["old"])) != 1:
        raise ValueError(f"{mutant['name']}: old occurs {found} times in its file, not once")
    return text.replace(mutant["old"], mutant["new"])


def copy(root: Path, target: Path) -> Path:
    """The tracked and new files of the working tree, without the executed chapters."""
    listing = ["git", "ls-files", "-coz", "--exclude-standard", "--", ".", ":!results/executed"]
    names = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (root / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target / name)
    return target


def python(
    folder: Path, cache: str, *arguments: str, timeout: float | None = None
) -> subprocess.CompletedProcess:
    """Python in a copy, with the copy's kit and a cache of trained networks of this name."""
    own = {"PYTHONPATH": str(folder), "KIT_CACHE": str(folder / ".cache" / cache)}
    # Without .pyc files: of two texts of one second and one length the older would be run.
    own |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=os.environ | own, capture_output=True, text=True, timeout=timeout
    )


def check_unmutated(folder: Path, mutants: list[dict]) -> None:
    """``RuntimeError`` if another kit is imported, or a test fails with nothing planted."""
    where = python(folder, "", "-c", "import kit; print(kit.__file__)").stdout.strip()
    if where != str(folder / "kit" / "__init__.py"):
        raise RuntimeError(f"the tests would import {where or 'no kit'}, not that of {folder}")
    tests = {test for mutant in mutants for test in mutant["tests"] if test.startswith("tests")}
    if (run := python(folder, "", *PYTEST, *sorted(tests))).returncode:
        raise RuntimeError(f"the tests must pass with nothing planted:\n{run.stdout[-3000:]}")


def judge(mutant: dict, copies: list[Path]) -> str:
    """The outcome of its tests in a copy that nobody uses."""
    folder = copies.pop()
    file = folder / mutant["file"]
    before = file.read_text()
    file.write_text(planted(mutant, folder))
    try:
        run = python(folder, mutant["name"], *PYTEST, *mutant["tests"], timeout=LIMIT)
        return OUTCOMES.get(run.returncode, "error")
    except subprocess.TimeoutExpired:  # a loop that does not end any more
        return "error"
    finally:
        file.write_text(before)
        copies.append(folder)


def main(arguments: list[str] | None = None, root: Path = REPOSITORY) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="of mutants; all if none is named")
    parser.add_argument("--file", type=Path, action="append", help="instead of tests/mutants/*")
    parser.add_argument("--jobs", type=int, default=1, help="copies that run at the same time")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(args.jobs) as pool:
        try:
            mutants = load(args.file or sorted((root / "tests" / "mutants").glob("*.toml")))
            for name in args.names:
                known("mutant", name, mutants)
            chosen = [mutants[name] for name in args.names or mutants]
            for mutant in chosen:
                planted(mutant, root)
            copies = [copy(root, Path(temporary).resolve() / f"{n}") for n in range(args.jobs)]
            check_unmutated(copies[0], chosen)
        except (OSError, ValueError, RuntimeError) as error:
            parser.error(str(error))
        found = progress(pool.map(lambda m: judge(m, copies), chosen), "mutants", total=len(chosen))
        outcomes = []
        for mutant, outcome in zip(chosen, found, strict=True):
            found.write(f"{outcome:<8}  {mutant['name']:<40}  {mutant['file']}")
            outcomes.append(outcome)
    print(", ".join(f"{outcomes.count(o)} {o}" for o in ("killed", "survived", "error")))
    return 2 if "error" in outcomes else int("survived" in outcomes)


if __name__ == "__main__":
    sys.exit(main())

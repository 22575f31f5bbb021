"""Take the project to a machine without a network, and bring its results back.

    python tools/pack.py out --into pack --data ~/data/cifar10-jpeg --python 3.12
    bash pack/run.sh 10 paper          # there; ten minutes of `make paper`, again to go on
    python tools/pack.py back results.tar

What travels: the committed source, wheels for that Python, and the data, in pieces that fit through
a narrow door. What comes back: records and executed chapters, and nothing else.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from fnmatch import fnmatch
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PLATFORMS = [f"manylinux_2_{n}_x86_64" for n in range(5, 36)]
PLATFORMS += ["manylinux2014_x86_64", "manylinux1_x86_64"]
RESULTS = ("results/records", "results/executed")
RUN = """\
#!/usr/bin/env bash
# bash run.sh [minutes] [profile]: unpacks and installs once, runs what has no result yet for so
# long, and leaves results.tar. Start it again to go on.
set -euo pipefail
cd "$(dirname "$0")"
minutes=${{1:-10}} profile=${{2:-paper}}
started=$SECONDS
export KIT_COMMIT={commit} KIT_DATA=$PWD/data
if [ ! -e unpacked ]; then cat part-* | tar -x; touch unpacked; fi
cd source
export PYTHONPATH=$PWD
if [ ! -e .venv/ready ]; then
  ${{PYTHON:-python3}} -m venv --system-site-packages .venv
  if [ -d ../wheels ]; then
    .venv/bin/python -m pip install --quiet --no-index --no-deps ../wheels/*.whl
  fi
  touch .venv/ready
fi
code=0
timeout $((minutes * 60 - SECONDS + started)) make "$profile" || code=$?
tar -cf ../results.tar $(ls -d {results} 2>/dev/null)
[ $code -ne 124 ] || echo "the time is over: bring results.tar back, or start again to go on"
[ $code -eq 124 ] || exit $code
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="out | back")
    command = commands.add_parser("out", help="pack source, wheels and data")
    command.add_argument("--into", type=Path, required=True, help="a folder that is not there yet")
    command.add_argument("--data", type=Path, nargs="*", default=[], help="folders of $KIT_DATA")
    command.add_argument("--python", help="its version there, e.g. 3.12; without it, no wheels")
    command.add_argument("--there", nargs="*", default=[], metavar="NAME",
                         help="packages that are there already, e.g. torch 'nvidia-*'")  # fmt: skip
    command.add_argument("--piece", type=int, default=60, help="MiB of a piece")
    command.set_defaults(command=out)
    command = commands.add_parser("back", help="unpack records and chapters")
    command.add_argument("results", type=Path, help="results.tar")
    command.add_argument("--into", type=Path, default=REPOSITORY, help="repository")
    command.set_defaults(command=back)
    args = parser.parse_args(arguments)
    try:
        args.command(args)
    except subprocess.CalledProcessError as error:
        print(f"pack: {' '.join(map(str, error.cmd[:4]))} ... failed, see above", file=sys.stderr)
        return 2
    except (OSError, ValueError, tarfile.TarError) as error:
        print(f"pack: {error}", file=sys.stderr)
        return 2
    return 0


def out(args: argparse.Namespace) -> None:
    """Write ``part-000``, ... and ``run.sh``."""
    absent = [str(folder) for folder in args.data if not folder.is_dir()]
    if absent:
        raise FileNotFoundError(f"no such folder of data: {', '.join(absent)}")
    if args.into.exists():
        raise FileExistsError(f"{args.into} is there already: name a folder that is not")
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.tar"
        git("archive", "--prefix=source/", f"--output={whole}", "HEAD")
        with tarfile.open(whole, "a") as tar:
            for data in args.data:
                tar.add(data, f"data/{data.resolve().name}")
            if args.python:
                wheels = Path(folder) / "wheels"
                download(args.python, args.there, wheels)
                tar.add(wheels, "wheels")
        args.into.mkdir(parents=True)
        split(whole, args.into, args.piece * 2**20)
    commit = git("rev-parse", "--short=12", "HEAD")
    (args.into / "run.sh").write_text(RUN.format(commit=commit, results=" ".join(RESULTS)))
    print(f"{len(list(args.into.glob('part-*')))} pieces and run.sh in {args.into}")


def download(python: str, there: list[str], wheels: Path) -> None:
    """Wheels of what the book needs, at the project's versions, for that Python on Linux."""
    packages = [p for p in locked(python) if not any(fnmatch(p["name"], name) for name in there)]
    ready, source = [], []
    for package in packages:
        pinned = f"{package['name']}=={package['version']}"
        (ready if "wheels" in package else source).append(pinned)
    wheels.mkdir()
    if source:
        pip(wheels, "wheel", *source)
    for wheel in wheels.iterdir():
        if not wheel.name.endswith("-none-any.whl"):
            raise ValueError(f"{wheel.name} was built for this machine: name it under --there")
    platforms = [f"--platform={platform}" for platform in PLATFORMS]
    pip(wheels, "download", *ready, "--only-binary=:all:", f"--python-version={python}",
        "--implementation=cp", *platforms)  # fmt: skip


def locked(python: str) -> list[dict]:
    """Packages of the book as a lock file names them: name, version, wheels if there are any."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "pylock.toml"
        subprocess.run(
            [Path(sys.executable).with_name("uv"), "pip", "compile", "--quiet", "--extra", "book",
             "--python-version", python, "--python-platform", "x86_64-manylinux_2_28",
             "--constraint", "constraints.txt", "--output-file", lock, "pyproject.toml"],
            cwd=REPOSITORY, check=True,
        )  # fmt: skip
        return tomllib.loads(lock.read_text())["packages"]


def pip(folder: Path, command: str, *arguments: str) -> None:
    """Run pip where its files shall lie."""
    run = [sys.executable, "-m", "pip", command, "--quiet", "--no-deps", *arguments]
    subprocess.run(run, cwd=folder, check=True)


def split(whole: Path, into: Path, size: int) -> None:
    """Pieces of at most ``size`` bytes."""
    with whole.open("rb") as stream:
        for number, piece in enumerate(iter(lambda: stream.read(size), b"")):
            (into / f"part-{number:03d}").write_bytes(piece)


def back(args: argparse.Namespace) -> None:
    """Unpack results; a member that is anything else is refused before one is written."""
    with tarfile.open(args.results) as tar:
        foreign = [m.name for m in tar if not m.name.startswith(RESULTS)]
        if foreign:
            raise ValueError(f"{args.results} holds what is no result: {foreign[0]}")
        tar.extractall(args.into, filter="data")
        print(f"{sum(m.isfile() for m in tar)} files into {args.into}")


def git(*arguments: str) -> str:
    command = ["git", "-C", REPOSITORY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())

"""Which code runs, and by which command: version, commit, command line."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

__version__ = "0.1.0"

PACKAGE = Path(__file__).parents[1]  # kit/


def commit() -> str:
    """The commit of the code that runs, with "+" if files of ``kit/`` differ from it; "" outside a
    checkout of the kit, within somebody else's repository for instance. A copy that was packed
    without its history says it by ``$KIT_COMMIT``."""
    if "KIT_COMMIT" in os.environ:
        return os.environ["KIT_COMMIT"]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PACKAGE), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    tracked = git("ls-files", "--", "runtime/version.py")
    if not tracked or git("rev-parse", "--show-prefix") != "kit/":
        return ""
    changed = git("status", "--porcelain", "--", ".")
    return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def rival() -> str:
    """What to do if PyPI's package "kit" is installed as well, "" if it is not: it has a folder of
    the same name, and the one installed last has overwritten files of the other."""
    try:
        other = distribution("kit")
    except PackageNotFoundError:
        return ""
    return (
        f"another package, kit {other.version}, is installed in the same folder, and the two "
        f"overwrite each other: pip uninstall kit, then install did-it-really-forget again"
    )


def command() -> str:
    """The command that runs, its files as seen from the repository, and no other folder's name: a
    file from elsewhere makes the command one that nobody can repeat, and it says so."""
    program = Path(sys.argv[0])
    if program.name != "kit" and program.parts[-2:] != ("kit", "__main__.py"):
        return "called from Python"
    words = [_told(word) for word in sys.argv[1:]]
    repeatable = all(here for _, here in words)
    said = [text for text, _ in words]
    return " ".join([*([] if repeatable else ["not repeatable:"]), "python -m kit", *said])


def _told(word: str) -> tuple[str, bool]:
    """A word of a command as a record tells it, and whether it names nothing from elsewhere."""
    option, equals, value = word.rpartition("=") if word.startswith("--") else ("", "", word)
    path = Path(value).expanduser().resolve()
    if path.exists() and path.is_relative_to(PACKAGE.parent):
        return option + equals + str(path.relative_to(PACKAGE.parent)), True
    is_path = path.exists() or "/" in value or "\\" in value
    name = value.replace("\\", "/").rpartition("/")[2]
    return option + equals + (name if is_path else value), not is_path

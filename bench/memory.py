"""The most anonymous and shared memory that a command and its children hold at a time (Linux)."""

import subprocess
import sys
import threading
import time
from pathlib import Path

EVERY = 0.05  # seconds between two looks
FAMILY_EVERY = 0.5  # seconds until children are looked for again


def run_measured(arguments: list[str]) -> tuple[str, float]:
    """Run this Python with these arguments; what it printed, and its peak in GiB.

    ``RssAnon + RssShmem`` summed over the processes: pages of mapped files do not count, and pages
    that a fork left to both count twice.
    """
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        printed = process.stdout.read()
        process.wait()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return printed, peak[0] / 2**20


def _watch(process: subprocess.Popen, peak: list[int]) -> None:
    looked, family = 0.0, [process.pid]
    while process.poll() is None:
        if time.monotonic() - looked > FAMILY_EVERY:
            looked, family = time.monotonic(), _family(process.pid)
        peak[0] = max(peak[0], sum(map(_kilobytes, family)))
        time.sleep(EVERY)


def _family(root: int) -> list[int]:
    """A process and all that it started, however far down."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            parents[int(folder.name)] = int(_status(int(folder.name)).get("PPid", 0))
    family = [root]
    for one in family:  # grows while it is read
        family += [child for child, parent in parents.items() if parent == one]
    return family


def _kilobytes(process: int) -> int:
    status = _status(process)
    return sum(int(status.get(name, "0").split()[0]) for name in ("RssAnon", "RssShmem"))


def _status(process: int) -> dict[str, str]:
    """What the kernel says of a process; nothing of one that has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

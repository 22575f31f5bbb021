"""One look at a long build: what is done, which chapters run, and about how long the rest takes."""

import json
import os
import sys
import threading
import time
from statistics import median

from chapters import REPOSITORY


def expected() -> dict[str, float]:
    """Seconds that each chapter took when it was last kept, at the quick profile."""
    kept = (REPOSITORY / "results" / "executed" / "quick").glob("*.ipynb")
    runs = {
        file.stem: json.loads(file.read_text())["metadata"].get("papermill", {}) for file in kept
    }
    return {name: run["duration"] for name, run in runs.items() if run.get("duration")}


class Watch:
    """A line on the terminal, renewed in place; in a log, one line per finished chapter.

    Parameters
    ----------
    names
        What will run, in order.
    seconds
        How long each took before; one that is not there counts as the middle one.
    jobs
        How many run at a time.
    """

    def __init__(self, names: list[str], seconds: dict[str, float], jobs: int = 1):
        usual = median(seconds.values()) if seconds else 30.0
        self.waiting = {name: seconds.get(name, usual) for name in names}
        self.running: dict[str, tuple[float, float]] = {}  # name: began, expected seconds
        self.total, self.jobs = len(names), jobs
        self.took = self.thought = 0.0  # seconds of the finished: measured, expected
        self.silent = os.environ.get("KIT_WATCH") == "0" or not names
        self.live = sys.stderr.isatty()
        self.lock = threading.Lock()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *error: object) -> None:
        if self.live and not self.silent:
            self._write("")

    def started(self, name: str) -> None:
        with self.lock:
            self.running[name] = time.monotonic(), self.waiting.pop(name)
            if self.live:
                self._write(self.line())

    def finished(self, name: str, *, failed: bool = False) -> None:
        with self.lock:
            began, thought = self.running.pop(name)
            took = time.monotonic() - began
            self.took, self.thought = self.took + took, self.thought + thought
            word = "FAILED after" if failed else "took"
            self._write(f"{name} {word} {took:.0f} s. {'' if self.live else self.line()}\n")
        self.tick()

    def tick(self) -> None:
        """Renew the line, on a terminal."""
        with self.lock:
            if self.live:
                self._write(self.line())

    def line(self) -> str:
        done = self.total - len(self.waiting) - len(self.running)
        parts = [f"{done} of {self.total} chapters"]
        if self.running:
            parts.append(f"running {', '.join(self.running)}")
            parts.append(f"about {duration(self.left())} left")
        return "; ".join(parts)

    def left(self) -> float:
        """Seconds for what is not finished, at the pace of what is."""
        now = time.monotonic()
        pace = self.took / self.thought if self.thought else 1.0
        begun = [max(pace * thought - (now - began), 0) for began, thought in self.running.values()]
        rest = sum(begun) + pace * sum(self.waiting.values())
        return max(rest / self.jobs, max(begun, default=0))

    def _write(self, text: str) -> None:
        if not self.silent:
            sys.stderr.write(f"\r\033[K{text}" if self.live else text)
            sys.stderr.flush()


def duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"

"""Chromium without a window, which looks at built pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def where() -> str | None:
    """The browser's path, if this machine has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator:
    """A running browser, as Playwright drives it.

    Raises
    ------
    FileNotFoundError
        there is none on this machine.
    """
    from playwright.sync_api import sync_playwright

    if where() is None:
        raise FileNotFoundError("no Chromium is installed: run bash .ci/browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=where(), args=FLAGS)
        yield chromium
        chromium.close()

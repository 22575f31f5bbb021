"""What a reader has before them on each built page: words, code, screens, drawings, weight.

    python tools/measure.py                            every page of _build/html
    python tools/measure.py --html DIR class_unsir     these pages of a book built elsewhere

Words are prose: no code, maths, tables, references, and nothing that is folded. A screen is 900
pixels of a window 1280 wide. Clipped are the visible cells whose code is wider than their box. The
weight leaves out what pages share (scripts, styles and fonts). Beyond a limit a number is starred.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
from browser import browser
from chapters import REPOSITORY, names

WINDOW = {"width": 1280, "height": 900}
LIMITS = {"words": 2600, "cells": 20, "screens": 12, "clipped": 0, "weight": 2.0}
LONG = ("scorecard", "_scales")  # pages that are looked up, not read through
LONG_SCREENS = 14

# Runs in the page: counts what a reader sees.
COUNT = """() => {
  const article = document.querySelector("article");
  const copy = article.cloneNode(true);
  const silent = "pre, table, script, style, .cell_input, .math, mjx-container, .dropdown, details,"
    + " .citation-list, dl.citation, .headerlink, .kit-touch, button";
  copy.querySelectorAll(silent).forEach((one) => one.remove());
  const inputs = [...article.querySelectorAll(".cell_input pre")]
    .filter((pre) => pre.offsetParent && !pre.closest("details:not([open])"));
  return {
    words: (copy.textContent.match(/[\\p{L}][\\p{L}'’-]*/gu) || []).length,
    cells: inputs.length,
    screens: article.getBoundingClientRect().height / window.innerHeight,
    clipped: inputs.filter((pre) => pre.scrollWidth > pre.clientWidth + 1).length,
    drawings: article.querySelectorAll("img[src$='.svg'], article svg.kit-drawing").length,
    figures: article.querySelectorAll("img.kit-figure, .kit-touch").length,
    captions: article.querySelectorAll("figcaption").length,
    tables: article.querySelectorAll("table").length,
  };
}"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--html", type=Path, default=REPOSITORY / "_build" / "html")
    parser.add_argument("pages", nargs="*", help="names of chapters; all of them without any")
    args = parser.parse_args(arguments)
    files = [args.html / "notebooks" / f"{name}.html" for name in args.pages or names()]
    absent = [str(file) for file in files if not file.exists()]
    if absent:
        parser.error(f"not built: {', '.join(absent)}; run make book")
    rows = measure(files)
    print(as_text(rows))
    return 1 if any(beyond(name, row) for name, row in rows.items()) else 0


def measure(files: list[Path]) -> dict[str, dict[str, float]]:
    """What each page shows, by the page's name."""
    with browser() as chromium:
        return {file.stem: look_at(chromium, file) for file in files}


def look_at(chromium, file: Path) -> dict[str, float]:
    page = chromium.new_page(viewport=WINDOW)
    weights = []
    page.on("requestfinished", lambda r: weights.append(r) if is_own(r) else None)
    page.goto(file.resolve().as_uri(), wait_until="load")
    page.evaluate("window.MathJax?.startup?.promise")
    row = page.evaluate(COUNT)
    row["weight"] = (file.stat().st_size + sum(size(r.url) for r in weights)) / 1e6
    page.close()
    return row


def is_own(request) -> bool:
    """Whether a page loads this for itself: pictures and data."""
    return request.resource_type not in ("document", "script", "stylesheet", "font")


def size(url: str) -> int:
    file = Path(url.removeprefix("file://").partition("?")[0])
    return file.stat().st_size if url.startswith("file://") and file.exists() else 0


def beyond(name: str, row: dict[str, float]) -> list[str]:
    """The measures in which a page is over its limit."""
    limits = dict(LIMITS)
    if name.endswith(LONG):
        limits["screens"] = LONG_SCREENS
    return [measure for measure, limit in limits.items() if row[measure] > limit]


def as_text(rows: dict[str, dict[str, float]]) -> str:
    def cell(name: str, measure: str, value: float) -> str:
        number = f"{value:.1f}" if measure in ("screens", "weight") else f"{value:,.0f}"
        return number + ("*" if measure in beyond(name, rows[name]) else "")

    table = {n: {m: cell(n, m, v) for m, v in row.items()} for n, row in rows.items()}
    return pd.DataFrame(table).T.to_string()


if __name__ == "__main__":
    sys.exit(main())

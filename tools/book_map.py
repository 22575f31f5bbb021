"""The map of the book: a box for each chapter, made from the table of contents.

    python tools/book_map.py _build/stage/book/_map.md

A box is a link, and the parts stand in the order in which they build on each other. The map is HTML
that flows: the boxes of a part stand beside its name, and on a phone below it.
"""

import re
from html import escape

import piece
from chapters import REPOSITORY, contents

STYLE = """
nav.kit-map { margin: 1rem 0; }
nav.kit-map ol { list-style: none; margin: 0 !important; padding: 0; }
nav.kit-map ol li { margin: 0; position: relative; }
nav.kit-map > ol > li {
  display: grid; grid-template-columns: 9rem 1fr; gap: 0.3rem 0.8rem; align-items: center;
  padding: 0.4rem 0.7rem; border-radius: 10px;
  border: 2px solid var(--pst-color-border, currentColor);
}
nav.kit-map > ol > li + li { margin-top: 1.15rem; }
nav.kit-map > ol > li + li::before {
  content: "\\2193"; content: "\\2193" / ""; position: absolute; top: -1.3rem; left: 4.5rem;
  font-size: 1.1rem; line-height: 1.3rem; color: var(--pst-color-text-muted, currentColor);
}
nav.kit-map > ol > li.kit-aside { border-style: dashed; }
nav.kit-map > ol > li.kit-aside::before { content: none; }
nav.kit-map strong { font-size: 0.95rem; line-height: 1.25; }
nav.kit-map ol ol { display: flex; flex-wrap: wrap; gap: 0.35rem; }
nav.kit-map a {
  display: block; padding: 0.2rem 0.55rem; font-size: 0.875rem; line-height: 1.35;
  border: 1.5px solid var(--pst-color-text-muted, currentColor); border-radius: 6px;
  color: var(--pst-color-text-base, inherit); background: var(--pst-color-surface, transparent);
  text-decoration: none;
}
nav.kit-map a:hover { color: var(--pst-color-link, inherit); text-decoration: underline; }
nav.kit-map a:focus-visible { outline: 3px solid #E69F00; outline-offset: 2px; }
@media (max-width: 600px) {
  nav.kit-map > ol > li { grid-template-columns: 1fr; }
  nav.kit-map > ol > li + li::before { left: 50%; margin-left: -0.4rem; }
  nav.kit-map a { padding-block: 0.35rem; }
}
"""


def main(arguments: list[str] | None = None) -> None:
    piece.main(__doc__, text, arguments)


def text() -> str:
    """The map, as raw HTML in a page of Markdown."""
    rows = "\n".join(row(part) for part in contents()["parts"])
    return piece.raw(
        f"<style>{STYLE}</style>\n"
        f'<nav class="kit-map" aria-label="Map of the book">\n<ol>\n{rows}\n</ol>\n</nav>'
    )


def row(part: dict) -> str:
    """A part and the boxes of its chapters; a part without numbers stands aside from the order."""
    aside = "" if part.get("numbered", True) else ' class="kit-aside"'
    boxes = "\n".join(box(chapter["file"]) for chapter in part["chapters"])
    return f"<li{aside}><strong>{escape(part['caption'])}</strong>\n<ol>\n{boxes}\n</ol></li>"


def box(file: str) -> str:
    heading = title((REPOSITORY / f"{file}.md").read_text())
    return f'<li><a href="../{escape(file)}.html">{escape(heading)}</a></li>'


def title(text: str) -> str:
    """A page's heading up to a colon or a parenthesis, without markup."""
    heading = next(line for line in text.splitlines() if line.startswith("# ")).removeprefix("# ")
    plain = re.sub(r"\{\w+\}`([^`<]*?)(?: <[^`]*>)?`|[`*]", r"\1", heading)
    return re.split(r": | \(", plain)[0].strip()


if __name__ == "__main__":
    main()

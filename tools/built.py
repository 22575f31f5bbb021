"""The pages of the built book, read back: their texts, their links, their styles."""

import posixpath
from pathlib import Path

from bs4 import BeautifulSoup, Tag

# What reacts to a reader, or was folded for one who looks up code.
SILENT = "script, .headerlink, details.hide, button, .cell.tag_hide-cell"


def absent(html: Path, pages: list[str]) -> list[str]:
    """Those of the pages that are not built there."""
    return [page for page in pages if not (html / f"{page}.html").exists()]


def source(html: Path, page: str) -> str:
    return (html / f"{page}.html").read_text()


def article(html: Path, page: str) -> Tag:
    """A page's text without what reacts to a reader; links as seen from the book's folder."""
    soup = BeautifulSoup(source(html, page), "html.parser")
    found = soup.select_one("article")
    for tag in found.select(SILENT):
        tag.decompose()
    for touch in found.select(".kit-touch"):
        touch.replace_with(instead(soup, touch))
    for tag in found.find_all(src=True):
        tag["src"] = resolved(tag["src"], page)
    return found


def instead(soup: BeautifulSoup, touch: Tag) -> Tag:
    """What stands elsewhere for a figure that one has to touch."""
    note = soup.new_tag("p")
    note["class"] = "on-screen"
    note.string = f"On the screen, to touch: {touch.get('aria-label', 'a figure')}"
    return note


def resolved(link: str, page: str) -> str:
    """A link of a page as seen from the book's folder."""
    if "://" in link or link.startswith(("data:", "mailto:", "#")):
        return link
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def head(html: Path, pages: list[str]) -> list[Tag]:
    """Styles and the mathematics of these pages, as seen from the book's folder, each once."""
    kept = {}
    for page in pages:
        top = BeautifulSoup(source(html, page).partition("</head>")[0], "html.parser")
        for tag in filter(is_for_all, top.find_all(["link", "script"])):
            for name in ("href", "src"):
                if tag.get(name):
                    tag[name] = resolved(tag[name], page)
            kept.setdefault(str(tag), tag)
    return list(kept.values())


def is_for_all(tag: Tag) -> bool:
    if tag.name == "link":
        return "stylesheet" in tag.get("rel", [])
    return "mathjax" in tag.get("src", "") or "window.MathJax" in tag.text

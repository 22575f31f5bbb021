"""Print the built book as one PDF, in the order of the contents, with links and bookmarks inside.

    python tools/pdf.py _build/html _build/html/did-it-really-forget.pdf

The pages are put behind each other in one document, which Chromium prints. Folded code is left out,
folded answers are open, so are tabs and sliders, and for a figure to touch stands what it shows.
"""

import argparse
from pathlib import Path

from browser import browser
from bs4 import Tag
from built import absent, article, head, resolved
from chapters import REPOSITORY, contents, pages

STYLE = "book/_static/print.css"
FOOT = (
    '<div style="font: 8pt sans-serif; width: 100%; text-align: center; color: #555">'
    '<span class="pageNumber"></span></div>'
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, help="folder of the built book")
    parser.add_argument("target", type=Path, help="the PDF")
    args = parser.parse_args(arguments)
    if lacking := absent(args.html, pages()):
        parser.error(f"not built: {', '.join(lacking)} in {args.html}; run make book")
    document = args.html / "whole-book.html"  # beside the pages, for their pictures and styles
    try:
        document.write_text(whole_book(args.html))
        print_pdf(document, args.target)
    except FileNotFoundError as error:
        parser.error(str(error))
    finally:
        document.unlink(missing_ok=True)
    print(f"the book is in {args.target}")


def whole_book(html: Path) -> str:
    """One document of all pages: a list of contents, then each page from a new sheet."""
    toc, order = contents(), pages()
    sheets = {page: sheet(html, page, order) for page in order}
    lines = [str(sheets[order[0]]), '<nav class="book-contents"><h1>Contents</h1>']
    for part in toc["parts"]:
        files = [chapter["file"] for chapter in part["chapters"]]
        titles = [sheets[file].find("h1").get_text() for file in files]
        lines.append(f"<h2>{part['caption']}</h2><ul>")
        lines += [
            f'<li><a href="#{mark(f)}">{t}</a></li>' for f, t in zip(files, titles, strict=True)
        ]
        lines.append("</ul>")
    lines += ["</nav>", *(str(sheets[page]) for page in order[1:])]
    style = (REPOSITORY / STYLE).read_text()
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>Did It Really Forget?</title>{''.join(map(str, head(html, order)))}"
        f'<style>{style}</style></head><body><main class="bd-article">{"".join(lines)}</main>'
        f"</body></html>"
    )


def sheet(html: Path, page: str, order: list[str]) -> Tag:
    """A page's text, its marks and links made to hold within the whole book."""
    found = article(html, page)
    for link in found.select("a.image-reference"):
        link.unwrap()
    for tag in found.find_all(id=True):
        tag["id"] = mark(page, tag["id"])
    for tag in found.find_all(href=True):
        tag["href"] = inside(tag["href"], page, order)
    found.name, found["class"], found["id"] = "div", "page", mark(page)
    return found


def inside(link: str, page: str, order: list[str]) -> str:
    """A link to a page of the book as a link within the document; others stay."""
    if "://" in link or link.startswith(("data:", "mailto:")):
        return link
    path, _, anchor = link.partition("#")
    target = resolved(path, page).removesuffix(".html") if path else page
    return f"#{mark(target, anchor)}" if target in order else "#"


def mark(page: str, anchor: str = "") -> str:
    return f"{page.replace('/', '-')}--{anchor}" if anchor else page.replace("/", "-")


def print_pdf(document: Path, target: Path) -> None:
    with browser() as chromium:
        page = chromium.new_page()
        page.set_default_timeout(600_000)
        page.goto(document.resolve().as_uri(), wait_until="load")
        page.evaluate("window.MathJax?.startup?.promise")
        page.pdf(
            path=target, format="A4", outline=True, tagged=True, print_background=True,
            display_header_footer=True, header_template="<span></span>", footer_template=FOOT,
            margin={"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
        )  # fmt: skip


if __name__ == "__main__":
    main()

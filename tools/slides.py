"""A deck of slides for teaching, from the built pages: one column per chapter.

    python tools/slides.py _build/html                 writes _build/html/slides/index.html
    python tools/slides.py _build/html class_unsir     these chapters only

A chapter gives its promise, its drawing, what it says at a glance, its equations, its figures with
their captions, its take-aways and its quiz; an answer comes with the next click. The text around a
figure stands in the speaker's notes (key S). Reveal.js shows the slides, without a network.
"""

import argparse
import html as escaping
import posixpath
import shutil
from collections.abc import Iterator
from pathlib import Path

import sphinx_revealjs
from bs4 import Tag
from built import absent, article, head
from chapters import REPOSITORY, names

STYLE = "book/_static/slides.css"
REVEAL = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
GLANCE = ("Idea", "Needs", "Verdict", "Scale")  # what a class has to see of the box
EQUATIONS = 4  # of a chapter, at most
SIZE = "width: 1280, height: 720, margin: 0.06"
BEGIN = f"Reveal.initialize({{hash: true, {SIZE}, plugins: [RevealNotes]}})"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, help="folder of the built book")
    parser.add_argument("chapters", nargs="*", help="names; all of them without any")
    args = parser.parse_args(arguments)
    chapters = args.chapters or [name for name in names() if not name.endswith("_scales")]
    pages = [f"notebooks/{chapter}" for chapter in chapters]
    if lacking := absent(args.html, pages):
        parser.error(f"not built: {', '.join(lacking)} in {args.html}; run make book")
    target = args.html / "slides"
    shutil.copytree(REVEAL, target / "reveal", dirs_exist_ok=True, ignore=only_needed)
    (target / "index.html").write_text(deck(args.html, pages))
    print(f"the slides are in {target / 'index.html'}")


def only_needed(folder: str, names: list[str]) -> list[str]:
    """Leave out of a copy what the deck does not load."""
    if Path(folder).name == "plugin":
        return [name for name in names if name != "notes"]
    return [name for name in names if name.endswith(".map") or ".esm." in name]


def deck(html: Path, pages: list[str]) -> str:
    columns = "".join(column(html, page) for page in pages)
    tags = head(html, pages)
    shared = "".join(above(str(tag)) for tag in tags if tag.name == "script" or is_ours(tag))
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>Did It Really Forget? Slides</title><link rel="stylesheet" '
        'href="reveal/dist/reveal.css"><link rel="stylesheet" href="reveal/dist/theme/white.css">'
        f"{shared}<style>{(REPOSITORY / STYLE).read_text()}</style></head><body>"
        f'<div class="reveal"><div class="slides">{columns}</div></div>'
        '<script src="reveal/dist/reveal.js"></script><script src="reveal/plugin/notes/notes.js">'
        f"</script><script>{BEGIN}</script></body></html>"
    )


def is_ours(tag: Tag) -> bool:
    """Colours of code; the styles of the pages' frame would fight with those of the slides."""
    return "pygments" in tag["href"]


def above(tag: str) -> str:
    """A tag that was written for the book's folder, for the folder of the slides in it."""
    return tag.replace('="_static/', '="../_static/')


def column(html: Path, page: str) -> str:
    """The slides of one chapter, below each other."""
    text = article(html, page)
    for tag in text.find_all("img"):
        if not tag["src"].startswith("data:"):
            tag["src"] = posixpath.join("..", tag["src"])
    for tag in text.find_all("a"):
        tag.unwrap()  # on a slide there is nowhere to go
    slides = [opening(text), *glance(text), *equations(text), *figures(text)]
    slides += [*take_aways(text), *quiz(text)]
    return f"<section>{''.join(slides)}</section>"


def slide(heading: str, body: str, notes: str = "") -> str:
    aside = f'<aside class="notes">{escaping.escape(notes)}</aside>' if notes else ""
    return f"<section><h3>{escaping.escape(heading)}</h3>{body}{aside}</section>"


def opening(text: Tag) -> str:
    promise = text.select_one("h1 ~ p")
    return f"<section><h2>{inner(text.h1)}</h2>{promise or ''}</section>"


def glance(text: Tag) -> Iterator[str]:
    box = section(text, ".admonition", "At a glance", title="p.admonition-title")
    lines = [li for li in box.select("li") if li.strong and li.strong.get_text() in GLANCE]
    yield slide("At a glance", f"<ul>{''.join(map(str, lines))}</ul>")


def equations(text: Tag) -> Iterator[str]:
    for equation in text.select("section div.math")[:EQUATIONS]:
        before, after = equation.find_previous("p"), equation.find_next("p")
        said = "".join(str(p) for p in (before, equation, after) if p)
        yield slide(heading_of(equation), f'<div class="equation">{said}</div>')


def figures(text: Tag) -> Iterator[str]:
    for figure in text.select("figure"):
        after = figure.find_next("p", class_=None)
        yield slide(heading_of(figure), str(figure), after.get_text() if after else "")


def take_aways(text: Tag) -> Iterator[str]:
    if points := section(text, "section", "Take-aways").find(["ul", "ol"]):
        yield slide("Take-aways", str(points))


def quiz(text: Tag) -> Iterator[str]:
    """A question, and with the next click its answer."""
    for answer in section(text, "section", "Quiz").select(".admonition"):
        question = answer.find_previous_sibling(["p", "ul", "ol"])
        said = "".join(str(p) for p in answer.find_all("p", class_=None))
        yield slide("Quiz", f'{question}<div class="fragment answer">{said}</div>')


def section(text: Tag, kind: str, heading: str, title: str = "h2") -> Tag:
    """The part of a page under a heading; an empty one if there is none."""
    for part in text.select(kind):
        name = part.select_one(title)
        if name and inner(name) == heading:
            return part
    return Tag(name="section")


def heading_of(tag: Tag) -> str:
    return inner(tag.find_previous(["h2", "h3", "h1"]))


def inner(heading: Tag) -> str:
    return heading.get_text().strip()


if __name__ == "__main__":
    main()

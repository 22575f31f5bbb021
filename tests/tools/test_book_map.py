"""``tools/book_map.py``: every chapter has one box, which leads to it, in the book's order."""

import re
from html.parser import HTMLParser

import book_map as tool
import pytest

from tests.conftest import ROOT


class Links(HTMLParser):
    """Collects where links lead and what they say, and every element's attributes."""

    def __init__(self, text):
        super().__init__()
        self.found, self.tags, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self.inside = True
            self.found.append([dict(attrs)["href"], ""])

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "a"

    def handle_data(self, data):
        if self.inside:
            self.found[-1][1] += data


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book of three pages in two parts."""
    parts = [
        {"caption": "First & last", "chapters": [{"file": "notebooks/b"}, {"file": "book/a"}]},
        {"caption": "Aside", "numbered": False, "chapters": [{"file": "notebooks/c"}]},
    ]
    monkeypatch.setattr(tool, "contents", lambda: {"parts": parts})
    for name, heading in (
        ("notebooks/b", "Is a < b & c?: an answer"),
        ("book/a", 'Say "so" (again)'),
        ("notebooks/c", "The {term}`mask` of *it*"),
    ):
        file = tmp_path / f"{name}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"---\nkernelspec: x\n---\n\n# {heading}\n\n```\n# a comment\n```\n")
    monkeypatch.setattr(tool, "REPOSITORY", tmp_path)
    return tmp_path


def test_each_chapter_is_linked_once_in_the_order(book):
    assert [where for where, _ in Links(tool.text()).found] == [
        "../notebooks/b.html", "../book/a.html", "../notebooks/c.html",
    ]  # fmt: skip


def test_titles_are_short_and_escaped(book):
    text = tool.text()
    assert "Is a &lt; b &amp; c?</a>" in text and "First &amp; last" in text
    said = [said for _, said in Links(text).found]
    assert said == ["Is a < b & c?", 'Say "so"', "The mask of it"]


def test_a_part_aside_takes_no_part_in_the_order(book):
    tags = Links(tool.text()).tags
    asides = [attrs for tag, attrs in tags if tag == "li" and attrs.get("class") == "kit-aside"]
    assert len(asides) == 1


def test_the_map_is_a_named_navigation_and_is_written(book, tmp_path):
    tool.main([str(tmp_path / "new" / "_map.md")])
    written = (tmp_path / "new" / "_map.md").read_text()
    assert written == tool.text()
    assert ("nav", {"class": "kit-map", "aria-label": "Map of the book"}) in Links(written).tags
    assert written.startswith("```{raw} html\n") and written.endswith("\n```\n")


def test_the_map_shows_this_book():
    files = re.findall(r"- file: (\S+)", (ROOT / "_toc.yml").read_text())
    text = tool.text()
    assert [where for where, _ in Links(text).found] == [f"../{file}.html" for file in files]
    assert ":focus-visible" in text

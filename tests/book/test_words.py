"""How the book speaks: sentences that a newcomer can follow, typed ones and computed ones."""

import json
import re

import jupytext
import pytest

from tests.book.test_book import CHAPTERS
from tests.conftest import ROOT

WORDS, NUMBERS, COLONS = 25, 3, 1


def paragraphs(markdown: str) -> list[str]:
    """Running prose of a page: no code, maths, tables, headings, directives' options or labels."""
    text = re.sub(r"```.*?```", "", markdown, flags=re.S)
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)
    text = re.sub(r"\$[^$]+\$", "x", text)
    text = re.sub(r"\{\w+(?::\w+)?\}`([^`<]*?)(?:\s*<[^`]*>)?`", r"\1", text)  # roles
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "Code", text)
    kept = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )|\n(?=:::)|(?<=:::)\n", text):
        lines = [line.strip() for line in block.splitlines()]
        lines = [one for one in lines if one and not re.match(r"\||:|#|\(\w[\w-]*\)=|---", one)]
        if lines:
            kept.append(" ".join(lines))
    return kept


END = re.compile(
    r"(?<=[.!?])[*_)\"”]*\s+(?=[*_(\"“]*[A-Z0-9\"“]|\*[a-z])"  # a full stop, and a new beginning
    r"|\s+(?=\([a-d]\))"  # the choices of a question
)


def sentences(markdown: str) -> list[str]:
    found = []
    for paragraph in paragraphs(markdown):
        said = re.sub(r"^(?:[-*]|\d+\.) (?:\*\*[^*]+\*\*)?", "", paragraph)  # a point, its label
        found += END.split(said)
    return [one for one in found if re.search(r"[a-z]", one)]


def length(sentence: str) -> int:
    return len(re.findall(r"[\w’'.,/%+-]*\w[\w’'%+-]*", sentence))


def numbers(sentence: str) -> int:
    """Numbers in figures; what stands in brackets, an interval, belongs to the number before."""
    text = re.sub(r"\[[^\]]*\]|\([^)]*\)", "", sentence)
    text = re.sub(r"\b95 ?%", "", text)
    return len(re.findall(r"(?<![\w-])[-−+]?\d+(?:[.,]\d+)*\s?%?(?![\w-])", text))


def typed(chapter: str) -> str:
    cells = jupytext.read(ROOT / "notebooks" / f"{chapter}.md").cells
    return "\n\n".join(c.source for c in cells if c.cell_type == "markdown")


def computed(chapter: str) -> str:
    """What kit.plots.say has said on the kept page."""
    file = ROOT / "results" / "executed" / "quick" / f"{chapter}.ipynb"
    cells = json.loads(file.read_text())["cells"]
    outputs = [o for c in cells for o in c.get("outputs", [])]
    return "\n\n".join("".join(o.get("data", {}).get("text/markdown", "")) for o in outputs)


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("source", [typed, computed])
def test_sentences_are_short(chapter, source):
    long = [s for s in sentences(source(chapter)) if length(s) > WORDS]
    assert not long, f"{len(long)} sentences of more than {WORDS} words: {long[:3]}"


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("source", [typed, computed])
def test_a_sentence_has_one_colon_and_three_numbers_at_most(chapter, source):
    text = source(chapter)
    crowded = [s for s in sentences(text) if numbers(s) > NUMBERS]
    assert not crowded, f"{len(crowded)} sentences with more than {NUMBERS} numbers: {crowded[:3]}"
    many = [s for s in sentences(text) if len(re.findall(r"[:;](?=\s)", s)) > COLONS]
    assert not many, f"{len(many)} sentences with more than one colon or semicolon: {many[:3]}"

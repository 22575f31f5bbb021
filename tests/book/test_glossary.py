"""The glossary: sorted, complete for the links of the chapters, and shown as a tip at each link."""

import html
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "book" / "glossary.md").read_text()
BLOCKS = TEXT.partition(":::{glossary}\n")[2].partition("\n:::")[0].split("\n\n")
NAMES = [[line for line in block.splitlines() if line[0] != " "] for block in BLOCKS]
PAGES = [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")]


def test_terms_are_sorted_and_have_a_definition():
    order = [re.sub(r"[^a-z0-9]+", " ", names[0].casefold()).strip() for names in NAMES]
    assert order == sorted(order)
    every = [name.casefold() for names in NAMES for name in names]
    assert len(every) == len(set(every))
    assert all(names and len(block.splitlines()) > len(names)
               for names, block in zip(NAMES, BLOCKS, strict=True))  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_to_a_term_has_its_term(page):
    known = {name.casefold() for names in NAMES for name in names}
    text = re.sub(r"\s+", " ", page.read_text())
    links = re.findall(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`", text)
    assert not {link.casefold() for link in links} - known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_chapter_that_shares_its_name_with_a_term_is_linked_by_its_file(page):
    """Of `[...](audit)` the book could not tell whether it means the chapter or the word."""
    known = {name.casefold() for names in NAMES for name in names}
    assert not set(re.findall(r"\]\(([a-z_]+)\)", page.read_text())) & known


GLOSSARY = """# Glossary

:::{glossary}
noise floor
  How much "two" retrained
  models differ {cite}`someone2020paper`. Rarely 0 < 1.

relearn time
relearn steps
  Steps until it is back: see {term}`noise floor`.
:::

```{bibliography}
```
"""
PAGE = """# Page

{term}`Noise floor`, {term}`steps <relearn steps>`, {term}`relearn time`, [a link](glossary.md).
"""
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_extensions")!r})
extensions = ["myst_parser", "sphinxcontrib.bibtex", "glossary_tips"]
myst_enable_extensions = ["colon_fence"]
bibtex_bibfiles = ["some.bib"]
html_theme = "basic"
"""
FLOOR = "How much “two” retrained models differ. Rarely 0 < 1."
STEPS = "Steps until it is back: see noise floor."


@pytest.fixture
def book(tmp_path):
    """Two pages, and what builds them."""
    (tmp_path / "index.md").write_text("# Book\n\n```{toctree}\nglossary\nsub/page\n```\n")
    (tmp_path / "glossary.md").write_text(GLOSSARY)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "page.md").write_text(PAGE.replace("glossary.md", "../glossary.md"))
    (tmp_path / "some.bib").write_text("@misc{someone2020paper, title={T}, author={A}, year=2020}")
    (tmp_path / "conf.py").write_text(CONF)
    return tmp_path


def built(book):
    """Title of each link to a term, page by page, in the order of the page."""
    run = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", str(book), str(book / "out")]
    subprocess.run(run, check=True)
    link = r'<a class="[^"]*"(?: href="[^"]*"| title="([^"]*)")*><span class="xref std std-term'
    return {
        name: [html.unescape(t) for t in re.findall(link, (book / "out" / name).read_text())]
        for name in ("glossary.html", "sub/page.html")
    }


def test_links_to_terms_carry_their_definition(book):
    assert built(book) == {"glossary.html": [FLOOR], "sub/page.html": [FLOOR, STEPS, STEPS]}


@pytest.mark.slow
def test_a_new_definition_reaches_pages_that_did_not_change(book):
    built(book)
    (book / "glossary.md").write_text(GLOSSARY.replace("Rarely", "Never"))
    assert built(book)["sub/page.html"][0] == FLOOR.replace("Rarely", "Never")

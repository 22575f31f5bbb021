"""``tools/slides.py`` and ``tools/pdf.py``: other forms of the built pages."""

import re

import browser
import chapters
import pdf
import pytest
import slides

PAGE = """<html><head><link rel="stylesheet" href="../_static/a.css">
<script src="../_static/mathjax/x.js"></script>
<script src="../_static/other.js"></script></head><body><article>
<section id="top"><h1>1. One &amp; only
<a class="headerlink" href="#top">#</a></h1>
<p><em>After this page.</em></p>
<div class="tip admonition">
<p class="admonition-title">At a glance</p><ul>
<li><p><strong>Idea</strong> this</p></li>
<li><p><strong>Time</strong> long</p></li></ul></div>
<section id="maths"><h2>The mathematics</h2><p>Let</p><div class="math">\\[x\\]</div>
<p>be.</p>
<figure id="fig"><img src="../_images/a.png" alt="a"/>
<figcaption>Fig. 1.1 Seen.</figcaption></figure><p>Read it so.</p>
<details class="hide"><summary>code</summary><pre>hidden</pre></details>
<div class="kit-touch" aria-label="bars">
<script>x</script></div>
<a href="two.html#there">two</a> <a href="#maths">up</a> 
<a href="https://x.org">out</a></section>
<section id="quiz"><h2>Quiz</h2><p><strong>1. Why?</strong> (a) no; (b) yes.</p>
<div class="dropdown admonition">
<p class="admonition-title">Answer</p>
<p>(b) Because.</p></div></section>
<section id="take"><h2>Take-aways</h2><ul><li>Keep.</li></ul>
</section></section></article></body></html>"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    toc = {"root": "book/index", "parts": [{"caption": "Part", "chapters": [
        {"file": "notebooks/one"}, {"file": "notebooks/two"}]}]}  # fmt: skip
    monkeypatch.setattr(chapters, "contents", lambda: toc)
    monkeypatch.setattr(pdf, "contents", lambda: toc)
    monkeypatch.setattr(slides, "names", lambda: ["one", "one_scales"])
    for page in chapters.pages():
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / f"{page}.html").write_text(PAGE)
    return tmp_path


def test_a_deck_has_each_thing_once(book, capsys):
    slides.main([str(book)])
    deck = (book / "slides" / "index.html").read_text()
    assert deck.count("<section>") == 1 + 6  # a column; promise, glance, equation, figure, last two
    for said in ("After this page", "Fig. 1.1 Seen", "Keep.", "(b) Because.", "[x\\]"):
        assert deck.count(said) == 1
    assert (
        "Read it so." in deck.partition("aside")[2] and "long" not in deck and "hidden" not in deck
    )
    assert deck.index("(b) yes") < deck.index('class="fragment answer"') < deck.index("(b) Because")
    assert 'src="../_images/a.png"' in deck and "../_static/mathjax/x.js" in deck
    assert (book / "slides" / "reveal" / "dist" / "reveal.js").exists()
    for address in ("http://", "https://"):
        assert f'src="{address}' not in deck and f'href="{address}' not in deck


def test_the_whole_book_keeps_its_links(book):
    text = pdf.whole_book(book)
    assert 'href="#notebooks-two--there"' in text and 'id="notebooks-two--fig"' in text
    assert 'href="#notebooks-one--maths"' in text and 'href="https://x.org"' in text
    assert 'src="_images/a.png"' in text and text.count("_static/a.css") == 1
    assert ">hidden<" not in text and "other.js" not in text
    assert text.count("On the screen, to touch: bars") == 3
    assert (
        text.index("Contents") < text.index('id="notebooks-one"') < text.index('id="notebooks-two"')
    )


@pytest.mark.skipif(browser.where() is None, reason="no Chromium is installed")
@pytest.mark.browser
def test_chromium_prints_it(book):
    pdf.main([str(book), str(book / "book.pdf")])
    content = (book / "book.pdf").read_bytes()
    assert content.startswith(b"%PDF") and b"/Outlines" in content
    assert len(re.findall(rb"/Type /Page\b", content)) == 4  # the first, contents, one, two
    assert len(content) > 5_000 and not (book / "whole-book.html").exists()


@pytest.mark.parametrize("tool, more", [(slides, ["two_is_absent"]), (pdf, [])])
def test_what_is_not_built_is_named(book, refused, tool, more):
    (book / "notebooks" / "two.html").unlink()
    arguments = [book, *more] if tool is slides else [book, book / "book.pdf"]
    assert "run make book" in refused(tool.main, *arguments)

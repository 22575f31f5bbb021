"""The built pages in a headless browser: maths, images, console, network, dark and narrow."""

import contextlib
import functools
import http.server
import threading
from urllib.parse import urlsplit

import browser as browser_module
import measure
import pytest

from tests.book.test_book import FILES
from tests.conftest import ROOT

HTML = ROOT / "_build" / "html"


BROWSER = browser_module.where()


pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed (apt install chromium)"),
]


@pytest.fixture(scope="module")
def server():
    assert (HTML / "index.html").exists(), "the book is not built: run make book"
    handler = functools.partial(QuietHandler, directory=HTML)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def copyfile(self, source, target):
        with contextlib.suppress(ConnectionError):  # a page was closed before its last image came
            super().copyfile(source, target)


@pytest.fixture(scope="module")
def browser():
    with browser_module.browser() as chromium:
        yield chromium


def visit(browser, url, **options):
    """Open a page; returns it, its console errors and the requests that left the machine."""
    page = browser.new_page(**options)
    errors, outside = [], []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    local = (f"http://{urlsplit(url).netloc}/", "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(local) else outside.append(r.url))
    page.goto(url, wait_until="load")
    page.evaluate("window.MathJax?.startup?.promise")
    return page, errors, outside


@pytest.mark.parametrize("file", FILES)
def test_page(server, browser, file):
    page, errors, outside = visit(browser, f"{server}/{file}.html")
    assert outside == [], "a page must not need the network"
    assert errors == []
    broken = page.eval_on_selector_all(
        "img",
        "images => images.filter(i => !i.complete || !i.naturalWidth).map(i => i.src.slice(0, 80))",
    )
    assert broken == []
    without = page.eval_on_selector_all(
        "article img", "images => images.filter(i => !i.alt.trim()).map(i => i.src.slice(0, 80))"
    )
    assert without == [], "an image has no alt text"
    text = page.inner_text("article")
    for raw in ("{prf:", "{cite}", "{term}", "{eq}", ":::", "```", "$$", "Traceback", "Warning:"):
        assert raw not in text, f"raw {raw} on {file}"
    page.close()


@pytest.mark.parametrize("file", [f for f in FILES if f.startswith("notebooks/")])
def test_a_page_is_read_not_scrolled(browser, file):
    """Words, visible cells, screens, clipped code and weight are within the limits of the book."""
    row = measure.look_at(browser, HTML / f"{file}.html")
    over = measure.beyond(file.removeprefix("notebooks/"), row)
    assert not over, f"{file} is over its limit in {over}: {row}"
    assert row["captions"] >= row["drawings"]


@pytest.mark.parametrize("file", FILES)
def test_suggest_edit_opens_the_text(server, browser, file):
    page, _, _ = visit(browser, f"{server}/{file}.html")
    links = page.eval_on_selector_all("a[href*='/edit/']", "links => links.map(l => l.href)")
    assert links and all(link.endswith(f"/edit/main/{file}.md") for link in links)
    page.close()


@pytest.mark.parametrize("name, chapter", [("gradient ascent", "baselines"),
                                           ("blindspot unlearning", "baselines"),
                                           ("bad teaching", "baselines"),
                                           ("LEACE", "feature_adversarial"),
                                           ("right to be forgotten", "bring_your_own"),
                                           ("incompetent teacher", "baselines")])  # fmt: skip
def test_the_search_knows_other_names(server, browser, name, chapter):
    page, errors, _ = visit(browser, f"{server}/search.html?q={name.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a")
    page.wait_for_timeout(500)
    found = page.eval_on_selector_all(
        "#search-results li a", "links => links.slice(0, 6).map(l => l.href.split('?')[0])"
    )
    assert any(f"/notebooks/{chapter}.html" in link for link in found), found
    page.close()


MATHS = ["notebooks/gold_standard", "notebooks/metrics", "notebooks/class_unsir",
         "notebooks/baselines", "book/notation"]  # fmt: skip


@pytest.mark.parametrize("file", MATHS)
def test_maths_is_rendered(server, browser, file):
    page, _, _ = visit(browser, f"{server}/{file}.html")
    assert page.locator("mjx-container").count() > 5
    assert page.locator("mjx-merror").count() == 0
    page.close()


@pytest.mark.parametrize("file", FILES)
def test_a_phone_does_not_scroll_sideways(server, browser, file):
    page, _, _ = visit(browser, f"{server}/{file}.html", viewport={"width": 390, "height": 844})
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 1, f"{file} is {wide} pixels wider than a phone"
    page.close()


@pytest.mark.parametrize("file", [f for f in FILES if f.startswith("notebooks/")])
def test_colab_button_names_the_committed_notebook(server, browser, file):
    page, _, _ = visit(browser, f"{server}/{file}.html")
    links = page.eval_on_selector_all(
        "a[href*='colab.research']", "links => links.map(l => l.href)"
    )
    assert links and links[0].endswith(f"/blob/main/{file}.ipynb")
    assert (ROOT / f"{file}.ipynb").exists()
    page.close()


def test_dark_mode_keeps_figures_readable(server, browser):
    page, _, _ = visit(browser, f"{server}/notebooks/quickstart.html", color_scheme="dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    backgrounds = page.eval_on_selector_all(
        "img.kit-figure", "images => images.map(i => getComputedStyle(i).backgroundColor)"
    )
    assert backgrounds and set(backgrounds) == {"rgb(255, 255, 255)"}
    around = page.eval_on_selector_all(
        ".text_html:has(img.kit-figure)",
        "boxes => boxes.map(b => getComputedStyle(b).backgroundColor)",
    )
    assert set(around) == {"rgba(0, 0, 0, 0)"}  # no light frame around the card
    page.close()


def test_a_slider_changes_the_picture(server, browser):
    page, errors, _ = visit(browser, f"{server}/notebooks/metrics.html")
    slider = page.locator(".kit-slider").first
    frames = slider.locator("[data-value]")
    shown = "frames => frames.map(f => !f.hidden)"
    assert frames.evaluate_all(shown) == [True] + [False] * (frames.count() - 1)
    slider.locator("input").fill("2")
    assert [i for i, on in enumerate(frames.evaluate_all(shown)) if on] == [2]
    assert slider.locator("output").inner_text() == frames.nth(2).get_attribute("data-value")
    assert not errors
    page.close()


def test_a_heading_sorts_its_table(server, browser):
    page, errors, _ = visit(browser, f"{server}/notebooks/comparison.html")
    table = page.locator("table:has(button.kit-sort)").first
    headings = [h.inner_text() for h in table.locator("thead tr").first.locator("th").all()]
    place = headings.index("best gap")

    def column():
        return [float(row.locator("th, td").nth(place).inner_text().rstrip("%"))
                for row in table.locator("tbody tr").all()]  # fmt: skip

    button = table.locator("button", has_text="best gap")
    before = column()
    button.click()
    assert column() == sorted(before, reverse=True)
    button.click()
    assert column() == sorted(before)
    assert not errors
    page.close()

"""Figures to touch in a headless browser: by keyboard, on a phone, without the network."""

import json
import re
import sys

import pytest

from kit.plots.touch import touch_html
from tests.book import test_browser
from tests.book.test_browser import HTML, visit
from tests.conftest import ROOT

sys.path.append(str(ROOT / "book" / "_extensions"))
import bokeh_scripts  # noqa: E402

pytestmark = test_browser.pytestmark
server, browser = test_browser.server, test_browser.browser  # its fixtures

CALCULATOR, MASK = "notebooks/faster_than_what", "book/index"
PAGES = sorted(
    str(file.relative_to(HTML).with_suffix(""))
    for folder in ("notebooks", "book")
    for file in (HTML / folder).glob("*.html")
    if 'class="kit-touch"' in file.read_text()
)
# What has the focus, through the shadow roots of Bokeh's parts: its tag or role, and its name.
FOCUSED = """() => {
  let one = document.activeElement;
  while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return [one.role || one.tagName.toLowerCase(), one.ariaLabel || one.labels?.[0]?.textContent];
}"""


def opened(browser, server, page, **options):
    """A page on which every figure is drawn; the first has the focus."""
    found, errors, outside = visit(browser, f"{server}/{page}.html", **options)
    found.wait_for_function(
        "[...document.querySelectorAll('[data-touch]')].every(one => one.childElementCount"
        " && !one.querySelector(':scope > p'))"
    )
    first = found.locator(".kit-touch").first
    first.evaluate("one => { one.tabIndex = -1; one.focus(); }")
    return found, first, errors, outside


def tab_to(page, name):
    """Press Tab until the control of that name has the focus; returns what it is."""
    for _ in range(8):
        page.keyboard.press("Tab")
        kind, called = page.evaluate(FOCUSED)
        if called == name:
            return kind
    raise AssertionError(f"Tab does not reach {name!r}")


def said(figure, before=""):
    """What the figure says in words, once it says something, and something else than before."""
    from playwright.sync_api import expect

    status = figure.get_by_role("status")
    expect(status).to_have_text(re.compile(r"\S"))
    expect(status).not_to_have_text(before)
    return status.locator("p").inner_text()  # behind the shadow root


def test_the_pages_with_figures_to_touch_are_built():
    assert {CALCULATOR, MASK} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_drawn_from_the_books_own_files(server, browser, page, width):
    size = {"width": width, "height": 844}
    found, first, errors, outside = opened(browser, server, page, viewport=size)
    assert errors == [] and outside == []
    assert found.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 1
    assert first.locator("canvas, select, input, [role=slider], button").count()
    nameless = found.locator("[role=slider]:not([aria-label])").count()
    assert nameless == 0, "a slider has no name for those who cannot see its title"
    found.close()


@pytest.mark.parametrize("page", PAGES)
def test_it_is_a_white_card_in_the_dark(server, browser, page):
    found, first, _, _ = opened(browser, server, page, color_scheme="dark")
    assert found.evaluate("document.documentElement.dataset.theme") == "dark"
    colours = first.evaluate("one => [getComputedStyle(one).backgroundColor, "
                             "getComputedStyle(one).color]")  # fmt: skip
    assert colours == ["rgb(255, 255, 255)", "rgb(34, 34, 34)"]
    found.close()


ELSEWHERE = """<body><div class="out"></div><div class="out"></div><script>
for (const out of document.querySelectorAll(".out")) {  // as Jupyter inserts an output
  out.innerHTML = PAGE;
  for (const old of out.querySelectorAll("script")) {
    const script = document.createElement("script");
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
}
</script></body>"""


def test_a_page_without_bokeh_fetches_it_once(browser):
    """In Jupyter or Colab, where the same cell may have been shown twice."""
    from bokeh.plotting import figure

    fig = figure(height=200)
    fig.line([0, 1], [0, 1])
    output = json.dumps(touch_html(fig, "a line")).replace("</", "<\\/")
    page, fetched = browser.new_page(), []

    def bring(route):
        name = re.search(r"/([a-z-]+)-\d[\d.]*\.min\.js$", route.request.url)[1]
        fetched.append(name)
        file = bokeh_scripts.SOURCE / f"{name}.min.js"
        route.fulfill(path=file, headers={"Access-Control-Allow-Origin": "*"})

    page.route("https://cdn.bokeh.org/**", bring)
    page.set_content(ELSEWHERE.replace("PAGE", output))
    page.wait_for_function("document.querySelectorAll('[data-touch] .bk-Figure').length === 2")
    assert fetched == ["bokeh", "bokeh-widgets"]
    page.close()


def test_scripts_load_only_where_they_are_needed(server, browser):
    requested = []
    page = browser.new_page()
    page.on("request", lambda request: requested.append(request.url))
    page.goto(f"{server}/book/glossary.html", wait_until="load")
    assert not [url for url in requested if "bokeh" in url]
    page.close()


def test_the_calculator_answers_to_the_keyboard(server, browser):
    page, figure, errors, _ = opened(browser, server, CALCULATOR)
    before = said(figure)
    assert "40 epochs" in before and "unsir" in before
    assert tab_to(page, "Method") == "select"
    page.keyboard.press("ArrowUp")
    other = said(figure, before)
    assert "40 epochs" in other and "unsir" not in other
    assert tab_to(page, "Epochs of your retraining") == "slider"
    page.keyboard.press("ArrowRight")
    assert "41 epochs" in said(figure, other)
    assert not errors
    page.close()


def test_a_factor_follows_the_epochs(server, browser):
    """The line goes through zero: the factor at 200 epochs is five times that at 40."""
    page, figure, _, _ = opened(browser, server, CALCULATOR)
    factor = r"is ([\d,.]+) times as fast"
    before = said(figure)
    tab_to(page, "Epochs of your retraining")
    page.keyboard.press("End")
    after = said(figure, before)
    at_forty, at_most = (
        float(re.search(factor, text)[1].replace(",", "")) for text in (before, after)
    )
    assert "over 200 epochs" in after and at_most == pytest.approx(5 * at_forty, rel=0.02)
    page.close()


def test_the_mask_breaks_by_keyboard(server, browser):
    page, figure, errors, _ = opened(browser, server, MASK)
    before = said(figure)
    assert "forget accuracy" in before and "passes" in before
    picture = figure.locator("canvas").first
    drawn = picture.evaluate("one => one.toDataURL()")
    assert tab_to(page, "Look at it by") == "select"
    page.keyboard.type("prototype")
    after = said(figure, before)
    assert "prototype recall" in after and "is caught" in after
    page.wait_for_timeout(300)
    assert picture.evaluate("one => one.toDataURL()") != drawn, "the dots did not move"
    assert not errors
    page.close()

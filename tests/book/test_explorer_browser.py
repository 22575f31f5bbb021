"""The explorer and the line-up in a headless browser, by keyboard and by mouse."""

from tests.book import test_browser
from tests.book.test_touch_browser import opened, said, tab_to

pytestmark = test_browser.pytestmark
server, browser = test_browser.server, test_browser.browser  # its fixtures

EXPLORER, LINE_UP = "notebooks/explorer", "notebooks/line_up"


def test_a_picture_is_chosen_by_keyboard(server, browser):
    page, figure, errors, outside = opened(browser, server, EXPLORER)
    before = said(figure)
    assert "Picture 0" in before
    assert tab_to(page, "Picture") == "slider"
    page.keyboard.press("ArrowRight")
    assert "Picture 1" in said(figure, before)
    assert not errors and not outside
    page.close()


def test_a_click_on_a_map_chooses_its_picture(server, browser):
    page, figure, errors, _ = opened(browser, server, EXPLORER)
    before = said(figure)
    canvas = figure.locator(".bk-Figure").nth(1)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for share in range(3, 16):  # along a row, until a point is met
        page.mouse.click(box["x"] + box["width"] * share / 18, box["y"] + box["height"] * 0.4)
        page.wait_for_timeout(50)
        if figure.get_by_role("status").locator("p").inner_text() != before:
            break
    assert "Picture" in said(figure, before)
    assert not errors
    page.close()


def test_the_threshold_slides(server, browser):
    page, _, errors, _ = opened(browser, server, EXPLORER)
    figure = page.locator(".kit-touch").nth(1)
    figure.evaluate("one => { one.tabIndex = -1; one.focus(); }")
    before = said(figure)
    assert tab_to(page, "Threshold") == "slider"
    page.keyboard.press("End")
    assert "0 %" in said(figure, before)
    page.keyboard.press("Home")
    assert said(figure).count("100 %") == 2
    assert not errors
    page.close()


def test_the_game_is_played_by_keyboard(server, browser):
    page, figure, errors, outside = opened(browser, server, LINE_UP)
    panels = figure.locator(".bk-Figure:visible").count()
    figure.get_by_role("button", name="prototype recall").press("Enter")
    page.wait_for_timeout(300)
    assert figure.locator(".bk-Figure:visible").count() == panels + 1
    figure.get_by_label("Network A", exact=True).select_option("forgot")
    figure.get_by_role("button", name="Check my verdicts").press("Enter")
    assert "of 8 verdicts" in said(figure) and "7 are still open" in said(figure)
    assert not errors and not outside
    page.close()

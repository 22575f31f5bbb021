"""The line-up: what the game shows at first, and what it refuses."""

import json
import re
import sys

import pandas as pd
import pytest

import kit
from kit.plots.touch import touch_html

TABLE = pd.DataFrame({"accuracy": [0.9, 0.8], "recall": [0.1, 0.7]}, index=["A", "B"])
BAND = pd.DataFrame({"accuracy": [0.85, 0.95], "recall": [0.0, 0.2]})
TRUTH = {"A": "forgot", "B": "hides"}


def shown(monkeypatch, truth):
    """The HTML of a game of two networks."""
    pages = []
    monkeypatch.setattr(
        sys.modules["kit.plots.line_up"], "touch", lambda *given: pages.append(touch_html(*given))
    )
    kit.plots.line_up(TABLE, truth, BAND, shown=["accuracy"])
    return pages[0]


def test_audits_are_hidden_at_first(monkeypatch):
    page = shown(monkeypatch, TRUTH)
    assert page.count('"name": "Figure"') == 2
    assert page.count('"visible": false') == 1
    item = json.loads(re.search(r"^const item = (.*);$", page, re.M)[1])
    assert '"labels": ["recall"]' in json.dumps(item)
    assert '"title": "Network B"' in page


def test_a_panel_that_is_hidden_at_first_has_both_ends_of_its_axis(monkeypatch):
    """The browser finds none for a figure that it has not drawn: its panel would open empty."""
    page = shown(monkeypatch, TRUTH)
    ends = re.findall(r'"name": "Range1d".*?"attributes": \{"end": ([\d.]+)', page)
    assert [float(end) for end in ends] == pytest.approx([1.1 * 0.95, 1.1 * 0.7])


def test_the_same_game_is_the_same_page(monkeypatch):
    assert shown(monkeypatch, TRUTH) == shown(monkeypatch, TRUTH)


@pytest.mark.parametrize("truth", [{"A": "forgot"}, {"A": "forgot", "B": "maybe"}])
def test_each_letter_needs_a_verdict(monkeypatch, truth):
    with pytest.raises(ValueError, match="verdict"):
        shown(monkeypatch, truth)

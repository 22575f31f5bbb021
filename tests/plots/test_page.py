"""What a page shows."""

import pandas as pd
import pytest

import kit


@pytest.fixture
def displayed(monkeypatch):
    """What a page was given to display."""
    shown = []
    monkeypatch.setattr("kit.plots.page.display", lambda what, **_: shown.append(what))
    return shown


def test_figures_need_alt_text():
    fig, _ = kit.plots.figure()
    with pytest.raises(ValueError, match="alt must say"):
        kit.plots.show(fig, " ")


def test_sliders_need_frames_and_alt_text(capsys):
    with pytest.raises(ValueError, match="at least one frame"):
        kit.plots.slider("bias", {})
    with pytest.raises(ValueError, match="alt must say"):
        kit.plots.slider("bias", {"0": (kit.plots.figure()[0], "")})


def test_tabs_need_frames_and_alt_text():
    with pytest.raises(ValueError, match="at least one frame"):
        kit.plots.tabs("over", {})
    with pytest.raises(ValueError, match="alt must say"):
        kit.plots.tabs("over", {"time": (kit.plots.figure()[0], "")})


def test_tabs_show_one_figure_by_name(displayed):
    frames = {name: (kit.plots.figure()[0], f"alt of {name}") for name in ("answers", "time")}
    kit.plots.tabs("over", frames)
    (shown,) = displayed
    page = shown["text/html"]
    assert page.count('type="radio"') == 2 and page.count(" checked") == 1
    assert page.count(" hidden>") == 1 and "alt of answers" in page and "alt of time" in page


def test_a_pinned_row_comes_first_and_filters_show_plain_text(displayed):
    frame = pd.DataFrame({"gap": [0.1, 0.2], "verdict": ["<b>yes</b>", "no"]}, ["unsir", "retrain"])
    kit.plots.table(frame, sortable=True, pinned="retrain", filters=["verdict"])
    page = displayed[-1]["text/html"]
    assert page.index(">retrain<") < page.index(">unsir<") and 'data-pinned="retrain"' in page
    assert "<option>yes</option>" in page
    with pytest.raises(ValueError, match="pinned"):
        kit.plots.table(frame, pinned="nobody")

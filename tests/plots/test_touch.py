"""Figures to touch: their HTML."""

import json
import re
import sys

import pytest
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, CustomJS, DataTable, Div, Slider, TableColumn
from bokeh.plotting import figure

import kit
from kit.plots.touch import touch_html


def layout(text="<b>2</b>"):
    """A slider that writes into a paragraph, over a figure."""
    fig = figure(height=200)
    fig.line([0, 1], [0, 1])
    slider, said = Slider(title="Epochs", start=1, end=9, value=2), Div(text=text)
    write = CustomJS(args={"slider": slider, "said": said}, code="said.text = `${slider.value}`")
    slider.js_on_change("value", write)
    return column(slider, fig, said)


def document(page):
    """The document that a page hands to Bokeh."""
    return json.loads(re.search(r"^const item = (.*);$", page, re.M)[1])["doc"]


def models(part):
    """Every dictionary of a document that is a model, or names one."""
    if isinstance(part, list):
        return [one for each in part for one in models(each)]
    if not isinstance(part, dict):
        return []
    inner = [one for each in part.values() for one in models(each)]
    return [part, *inner] if "id" in part else inner


def test_alt_text_is_needed():
    with pytest.raises(ValueError, match="alt must say"):
        kit.plots.touch(layout(), " ")


def test_html_and_words_are_displayed(monkeypatch):
    shown = []
    module = sys.modules["kit.plots.touch"]  # kit.plots.touch is the function
    monkeypatch.setattr(module, "display", lambda data, raw: shown.append((data, raw)))
    kit.plots.touch(layout(), "slide it")
    ((data, raw),) = shown
    assert raw and set(data) == {"text/html", "text/plain"}
    assert data["text/plain"] == "slide it"
    assert data["text/html"] == touch_html(layout(), "slide it")


def test_the_same_layout_gives_the_same_bytes():
    first = touch_html(layout(), "slide it")
    [layout() for _ in range(3)]  # Bokeh counts its models
    assert touch_html(layout(), "slide it") == first


def test_figures_that_differ_share_no_name():
    one, other = (
        {m["id"] for m in models(document(touch_html(layout(text), "slide it")))} for text in "ab"
    )
    assert one and not one & other


def test_every_model_that_is_named_is_there():
    found = models(document(touch_html(layout(), "slide it")))
    defined = [m["id"] for m in found if m.get("type") == "object"]
    assert len(defined) == len(set(defined)) and {m["id"] for m in found} == set(defined)


def test_a_layout_can_be_shown_twice_and_with_a_first_action():
    model, first = layout(), CustomJS(code="console.log('first')")
    without, again = touch_html(model, "slide it"), touch_html(model, "slide it", first)
    assert "document_ready" in again and "document_ready" not in without
    assert touch_html(model, "slide it") == without


def test_words_are_escaped():
    page = touch_html(layout("</script><b>2</b>"), 'a "quoted" <alt>')
    assert page.count("</script>") == 1 == page.count("<script>")
    assert 'aria-label="a &quot;quoted&quot; &lt;alt&gt;"' in page
    assert "<p>a &quot;quoted&quot; &lt;alt&gt;</p>" in page  # until it is drawn
    (said,) = (m for m in models(document(page)) if m.get("name") == "Div")
    assert said["attributes"]["text"] == "</script><b>2</b>"


def test_scripts_come_from_elsewhere_only_where_there_are_none():
    """No tag names them: a page with Bokeh of its own asks for nothing."""
    page = touch_html(layout(), "slide it")
    assert 'data-scripts="bokeh bokeh-widgets"' in page
    assert "<script src" not in page and "window.kitBokeh ??= window.Bokeh ? " in page
    assert re.findall(r"https://cdn\.bokeh\.org/\S+?/([a-z-]+)-\d", page) == [
        "bokeh",
        "bokeh-widgets",
    ]
    table = DataTable(source=ColumnDataSource({"x": [1]}), columns=[TableColumn(field="x")])
    assert 'data-scripts="bokeh bokeh-widgets bokeh-tables"' in touch_html(table, "a table")


def test_parts_are_as_wide_as_the_page_unless_they_say_otherwise():
    fixed = Div(text="narrow", sizing_mode="fixed", width=100)
    found = models(document(touch_html(column(layout(), fixed), "slide it")))
    modes = {m["name"]: m["attributes"].get("sizing_mode") for m in found if "attributes" in m}
    assert modes["Figure"] == modes["Slider"] == modes["Column"] == "stretch_width"
    assert "fixed" in [m["attributes"].get("sizing_mode") for m in found if m.get("name") == "Div"]

"""Figures to touch: a Bokeh layout that answers to its controls on the page, without a kernel."""

import html
import json
from hashlib import sha256
from typing import TYPE_CHECKING

from IPython.display import display

if TYPE_CHECKING:
    from bokeh.models import CustomJS, LayoutDOM


def touch(model: "LayoutDOM", alt: str, first: "CustomJS | None" = None) -> None:
    """Display a Bokeh layout with the text that says what it shows and what one can change.

    What its controls do is written as ``CustomJS``; ``first`` runs once, when it is drawn. The book
    brings Bokeh's scripts; a page that has none (Colab, Jupyter) gets them from Bokeh's own server.
    Until they run, and where none may, the page shows the text. Figures and controls are as wide as
    the page unless they say otherwise, and share a look.

    Raises
    ------
    ValueError
        an empty alt text.
    """
    display({"text/html": touch_html(model, alt, first), "text/plain": alt}, raw=True)


def touch_html(model: "LayoutDOM", alt: str, first: "CustomJS | None" = None) -> str:
    """What ``touch`` displays, as HTML: the same layout gives the same text, byte for byte.

    Raises
    ------
    ValueError
        an empty alt text.
    """
    if not alt.strip():
        raise ValueError("alt must say in words what the figure shows, and what one can change")
    from bokeh.resources import Resources

    parts = _parts(model)
    sources = json.dumps(Resources(mode="cdn", components=parts).js_files)
    item, name = _item(model, first)
    return (
        f'<div class="kit-touch" role="group" aria-label="{html.escape(alt)}" '
        f'data-scripts="{" ".join(parts)}" style="{_CARD}">'
        f'<div data-touch="{name}"><p>{html.escape(alt)}</p></div>'
        f"<script>{_DRAW % {'name': name, 'item': item, 'sources': sources}}</script></div>"
    )


def _item(model: "LayoutDOM", first: "CustomJS | None") -> tuple[str, str]:
    """The layout as JSON that may stand in a script, and a name made of its content.

    Bokeh counts its models through the whole session. Here they are counted anew, and carry the
    name, so that no two figures of a page share one.
    """
    from bokeh.document import Document
    from bokeh.embed import json_item
    from bokeh.themes import Theme

    page = Document()
    page.add_root(model)
    if first is not None:
        page.js_on_event("document_ready", first)
    item = json_item(model, theme=Theme(json={"attrs": _LOOK}))
    page.remove_root(model)
    item.pop("target_id")
    names: dict[str, str] = {}

    def renamed(part: object) -> object:
        if isinstance(part, list | tuple):
            return [renamed(one) for one in part]
        if not isinstance(part, dict):
            return part
        if part.get("type") == "object" or list(part) == ["id"]:  # a model, or one met before
            part = part | {"id": names.setdefault(part["id"], f"NAME-{len(names)}")}
        return {key: renamed(value) for key, value in part.items()}

    item["doc"] = renamed(item["doc"])
    item["root_id"] = names[item["root_id"]]
    text = json.dumps(item).replace("<", "\\u003c")  # no "</script>" ends it early
    name = sha256(text.encode()).hexdigest()[:8]
    return text.replace('"NAME-', f'"{name}-'), name


def _parts(model: "LayoutDOM") -> list[str]:
    """The scripts of Bokeh that a layout needs, in their order."""
    from bokeh.models.widgets.tables import TableWidget

    tables = any(isinstance(one, TableWidget) for one in model.references())
    return ["bokeh", "bokeh-widgets"] + ["bokeh-tables"] * tables


# An opaque white card, as all figures are; the style is its own, for pages without the book's.
_CARD = (
    "background:#fff;color:#222;color-scheme:light;border-radius:6px;padding:0.75rem;"
    "text-align:left"
)

_QUIET = {"toolbar_location": None, "outline_line_color": None}
_LOOK = {
    "LayoutDOM": {"sizing_mode": "stretch_width"},
    "Plot": {"height": 320, **_QUIET},
    "Axis": {
        "axis_label_text_font_style": "normal", "axis_label_text_color": "#222222",
        "major_label_text_color": "#222222", "minor_tick_line_color": None,
        "major_label_text_font_size": "12px", "axis_label_text_font_size": "13px",
    },
    "Grid": {"grid_line_color": "#E5E5E5"},
    "Title": {"text_font_style": "normal", "text_color": "#222222"},
    "Legend": {"border_line_color": None, "background_fill_alpha": 0.8},
}  # fmt: skip

# Drawn once the page's own scripts have run; fetched only where they brought no Bokeh. Its sliders
# have a title, but no name for those who cannot see it: it gets one.
_DRAW = """(() => {
const item = %(item)s;
const draw = async () => {
  const place = document.querySelector('[data-touch="%(name)s"]:not([data-drawn])');
  if (!place) return;
  place.dataset.drawn = "";
  const figure = document.createElement("div");
  place.append(figure);
  await window.Bokeh.embed.embed_item(item, figure);
  place.replaceChildren(figure);
  name(place);
};
const name = (root) => root.querySelectorAll("*").forEach((one) => {
  const title = one.matches("[role=slider]") && root.querySelector(".bk-slider-title");
  if (title) one.ariaLabel = title.textContent.split(":")[0];
  if (one.shadowRoot) name(one.shadowRoot);
});
const fetched = (source) => window.kitBokeh[source] ??= new Promise((done, failed) => {
  const script = document.createElement("script");
  const again = () => { delete window.kitBokeh[source]; failed(); };
  Object.assign(script, {src: source, onload: done, onerror: again, crossOrigin: "anonymous"});
  document.head.append(script);
});
const start = async () => {
  window.kitBokeh ??= window.Bokeh ? "the page's own" : {};
  if (typeof window.kitBokeh === "object")
    for (const source of %(sources)s) await fetched(source);
  await draw();
};
document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start();
})();"""

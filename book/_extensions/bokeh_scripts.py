"""Pages with a figure to touch (kit.plots.touch) load Bokeh's scripts from the book's own files."""

import re
import shutil
from pathlib import Path

import bokeh

SOURCE = Path(bokeh.__file__).parent / "server" / "static" / "js"
NEEDS = re.compile(r'class="kit-touch"[^>]*data-scripts="([^"]*)"')


def needed(body):
    """The scripts that a page's figures name, each once, in the order in which they load."""
    return list(dict.fromkeys(name for names in NEEDS.findall(body) for name in names.split()))


def load(app, pagename, templatename, context, doctree):
    """They load beside the text and run in their order, before the figures are drawn."""
    for name in needed(context.get("body", "")):
        app.add_js_file(f"bokeh/{name}.min.js", loading_method="defer")
        copy(name, Path(app.outdir) / "_static" / "bokeh")


def copy(name, target):
    """Each time: the script and the figures must be of one version."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SOURCE / f"{name}.min.js", target / f"{name}.min.js")


def setup(app):
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

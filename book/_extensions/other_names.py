"""The search finds a page by the other names of what it explains, as other_names.yml lists them."""

from pathlib import Path

import yaml
from docutils import nodes


def load(app):
    app.other_names = yaml.safe_load((Path(app.srcdir) / "book" / "other_names.yml").read_text())


def enter(app, doctree):
    """Put the names of this page among the entries of the index, which the search looks up."""
    page = app.env.docname
    section = next(doctree.findall(nodes.section), None)
    if section is not None:
        entries = app.env.get_domain("index").entries.setdefault(page, [])
        names = app.other_names.get(page, [])
        entries += [("single", name, section["ids"][0], "", None) for name in names]


def setup(app):
    app.connect("builder-inited", load)
    app.connect("doctree-read", enter)
    return {"parallel_read_safe": True}

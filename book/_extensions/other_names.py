"""The search finds a page by the other names of what it explains, as other_names.yml lists them."""

from pathlib import Path

import yaml
from docutils import nodes


def file(app):
    return Path(app.srcdir) / "book" / "other_names.yml"


def load(app):
    app.other_names = yaml.safe_load(file(app).read_text())


def enter(app, doctree):
    """Put the names of this page among the entries of the index, which the search looks up."""
    page = app.env.docname
    app.env.note_dependency(str(file(app)))
    section = next(doctree.findall(nodes.section), None)
    if section is not None:
        entries = app.env.get_domain("index").entries.setdefault(page, [])
        names = app.other_names.get(page, [])
        entries += [("single", name, section["ids"][0], "", None) for name in names]


def setup(app):
    app.connect("builder-inited", load)
    app.connect("doctree-read", enter)
    return {"parallel_read_safe": True}

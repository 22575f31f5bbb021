"""The search finds a page by the other names of what it explains, as other_names.yml lists them."""

from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes


def file(app):
    return Path(app.srcdir) / "book" / "other_names.yml"


def load(app):
    app.other_names = yaml.safe_load(file(app).read_text())


def enter(app, doctree):
    """Put the names of this page where the search looks up the main entries of an index."""
    app.env.note_dependency(str(file(app)))
    section = next(doctree.findall(nodes.section), None)
    if section is not None:
        names = app.other_names.get(app.env.docname, [])
        entries = [("single", name, section["ids"][0], "main", None) for name in names]
        section.insert(1, addnodes.index(entries=entries))


def write_all(app, env):
    """Sphinx's search keeps the entries of those pages alone that a build writes: it writes all."""
    return sorted(env.found_docs)


def setup(app):
    app.connect("builder-inited", load)
    app.connect("doctree-read", enter)
    app.connect("env-updated", write_all)
    return {"parallel_read_safe": True, "env_version": 2}

"""Every link to a glossary term carries its definition as ``title``: a tip, without a script.

Browsers show it under the mouse and tell it to screen readers; custom.css shows it to those who
come by keyboard.
"""

import re

from docutils import nodes
from sphinx import addnodes


def collect(app, env):
    """Read all definitions anew; if any has changed, every page is to be written again."""
    terms = [entry for entry in env.get_domain("std").get_objects() if entry[2] == "term"]
    tips = {}
    for page in sorted({entry[3] for entry in terms}):
        for glossary in env.get_doctree(page).findall(addnodes.glossary):
            tips |= {(page, anchor): text for anchor, text in definitions(glossary)}
    changed = tips != getattr(env, "glossary_tips", {})
    env.glossary_tips = tips  # kept with the environment until the next build
    return sorted(env.found_docs) if changed else []


def definitions(glossary):
    """The anchor of each term, and its definition as plain text; several names share one."""
    for item in glossary.findall(nodes.definition_list_item):
        *names, definition = item.children
        text = plain(definition)
        for name in names:
            yield from ((anchor, text) for anchor in name["ids"])


def plain(definition):
    """Its text on one line; citations, whose keys say nothing to a reader, are left out."""
    copy = definition.deepcopy()
    for link in list(copy.findall(addnodes.pending_xref)):
        if link.get("refdomain") == "cite":
            link.parent.remove(link)
    return re.sub(r"\s+(?=[.,;:?)])", "", re.sub(r"\s+", " ", copy.astext())).strip()


def attach(app, doctree, docname):
    """Give each link to a term its tip."""
    if app.builder.format != "html":
        return
    tips = {}
    for (page, anchor), text in app.env.glossary_tips.items():
        address = "" if page == docname else app.builder.get_relative_uri(docname, page)
        tips[f"{address}#{anchor}"] = text
    for link in doctree.findall(nodes.reference):
        if any("std-term" in child["classes"] for child in link.findall(nodes.inline)):
            address = link.get("refuri", f"#{link.get('refid')}")
            link["reftitle"] = tips.get(address, "")


def setup(app):
    app.connect("env-updated", collect)
    app.connect("doctree-resolved", attach)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""No console errors: sphinx-thebe, which the book does not use, declares its constants twice."""


def drop_thebe(app, pagename, templatename, context, doctree):
    def text(script):
        return f"{getattr(script, 'filename', '')} {getattr(script, 'attributes', '')}".lower()

    context["script_files"] = [s for s in context["script_files"] if "thebe" not in text(s)]


def setup(app):
    app.connect("html-page-context", drop_thebe, priority=999)
    return {"parallel_read_safe": True}

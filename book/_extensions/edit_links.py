""""Suggest edit" opens a chapter's .md, the text that one edits; the .ipynb is made from it."""


def point_to_the_text(app, pagename, templatename, context, doctree):
    buttons = context.get("header_buttons", [])
    for button in [*buttons, *(b for group in buttons for b in group.get("buttons", []))]:
        if button.get("label") == "source-edit-button":
            button["url"] = button["url"].replace(".ipynb", ".md")


def setup(app):
    app.connect("html-page-context", point_to_the_text, priority=999)
    return {"parallel_read_safe": True}

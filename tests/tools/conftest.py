"""A chapter to run."""

import nbformat


def chapter(folder, name, code):
    """A notebook of one title and one cell."""
    folder.mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
        cells=[nbformat.v4.new_markdown_cell(f"# {name}"), nbformat.v4.new_code_cell(code)],
    )
    file = folder / f"{name}.ipynb"
    nbformat.write(notebook, file)
    return file

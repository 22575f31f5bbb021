"""``show``: the library's own source inside a chapter."""

import inspect

from IPython.display import Markdown, display


def show(thing: object) -> None:
    """Display the source of a function, class or module, highlighted, as it is tested and run."""
    source = inspect.getsource(thing).rstrip()
    display(Markdown(f"```python\n{source}\n```"))

"""One progress bar for every long loop; ``KIT_PROGRESS=0`` silences it (books and tests do)."""

import os
from collections.abc import Iterable
from importlib.util import find_spec

# tqdm's notebook bar needs ipywidgets; without it the plain one works everywhere.
if find_spec("ipywidgets"):
    from tqdm.auto import tqdm
else:
    from tqdm import tqdm


def progress(steps: Iterable, title: str, *, total: int | None = None, show: bool = True) -> tqdm:
    """Iterate over ``steps`` behind a progress bar."""
    silent = not show or os.environ.get("KIT_PROGRESS") == "0"
    return tqdm(steps, desc=title, total=total, disable=silent, leave=False)

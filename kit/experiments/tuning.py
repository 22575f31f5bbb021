"""Fair tuning: as many trials for every method, drawn from its grid, judged by one criterion.

The criterion is the average gap to the retrained model (``kit.metrics.average_gap``: accuracy on
forgotten, retained and held-out images, and a membership attack), on a training seed and a request
that no reported number uses, with held-out training images in place of the test images.
"""

from itertools import product

import pandas as pd
import torch

from kit import methods

CRITERION = "average_gap"


def trials(arm: dict, count: int) -> list[dict]:
    """The arm with ``count`` settings of its method's grid, drawn at random; all if there are no
    more, and the arm as it is where there is nothing to tune."""
    if not count or arm["method"] not in methods.names():
        return [arm]
    grid = methods.get(arm["method"]).grid
    settings = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    order = torch.randperm(len(settings), generator=torch.Generator().manual_seed(0))
    return [arm | settings[i] for i in order[:count].tolist()]


def best(records: pd.DataFrame, *, criterion: str = CRITERION) -> dict[str, dict]:
    """The settings of the smallest ``criterion`` for every method, of the records of its trials.

    Runs that collapsed are out, unless all did.
    """
    found = {}
    for name, runs in records.groupby("method", sort=False):
        if name not in methods.names() or not methods.get(name).grid:
            continue
        alive = runs[runs["collapsed"] == 0]
        winner = (alive if len(alive) else runs).sort_values(criterion).iloc[0]
        found[name] = {key: _plain(winner[f"config.{key}"]) for key in methods.get(name).grid}
    return found


def _plain(value: object):
    """A number of a table's column, where whole ones may have become floats, as it was set."""
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value

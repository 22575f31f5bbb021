"""Values as JSON can hold them."""

import math
from collections.abc import Mapping


def plain(value: object) -> object:
    """The same in what JSON knows; NaN and infinity are None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float) else str(value)

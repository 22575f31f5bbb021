"""Everything that draws: one style, a colour and a marker for each method, alt text required.

``style``, ``page``: what all figures share. ``networks``, ``curves``, ``runs``, ``card``: figures.
``touch``: figures that answer. ``sources``: where recorded numbers come from. ``code``: the
library's own source.
"""

from kit.plots.card import card
from kit.plots.curves import curves, heat, matrix, roc, stacked
from kit.plots.explorer import explorer, threshold
from kit.plots.line_up import line_up
from kit.plots.networks import images, layers, pictures, projections, standing
from kit.plots.page import say, show, slider, table, tabs
from kit.plots.runs import (
    dots,
    intervals,
    panels,
    pareto_front,
    request_label,
    shares,
    trade_off,
)
from kit.plots.scorecard import beside, findings
from kit.plots.style import (
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    RED,
    SKY,
    YELLOW,
    figure,
    style,
)  # fmt: skip
from kit.plots.touch import touch

__all__ = [
    "BLUE", "GREEN", "ORANGE", "PINK", "RED", "SKY", "YELLOW", "beside", "card", "curves", "dots",
    "explorer", "figure", "findings", "heat", "images", "intervals", "layers", "line_up",
    "matrix", "panels", "pareto_front", "pictures", "projections", "request_label", "roc", "say",
    "shares", "show", "slider", "stacked", "standing", "style", "table", "tabs", "threshold",
    "touch", "trade_off",
]  # fmt: skip

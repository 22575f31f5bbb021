"""A colour and a marker for each method."""

import kit

NAMES = list(kit.plots.STYLE)  # before any test asks for a new one


def test_styles_tell_methods_apart():
    styles = [tuple(kit.plots.style(n).values()) for n in NAMES]
    assert len(set(styles)) >= len(styles) - 1  # unsir and its paper variant share one
    assert kit.plots.style("a new method") == kit.plots.style("a new method")

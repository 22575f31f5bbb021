"""A colour and a marker for each method."""

import kit
from kit.plots.style import ALIASES, STYLE


def test_styles_tell_methods_apart():
    assert len(set(STYLE.values())) == len(STYLE)
    assert not set(ALIASES) & set(STYLE) and set(ALIASES.values()) <= set(STYLE)


def test_a_method_looks_the_same_whatever_a_picture_calls_it():
    assert kit.plots.style("UNSIR") == kit.plots.style("unsir") != kit.plots.style("erwp")
    assert kit.plots.style("a new method") == kit.plots.style("a new method")

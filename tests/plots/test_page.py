"""What a page shows."""

import pytest

import kit


def test_figures_need_alt_text():
    fig, _ = kit.plots.figure()
    with pytest.raises(ValueError, match="alt must say"):
        kit.plots.show(fig, " ")


def test_sliders_need_frames_and_alt_text(capsys):
    with pytest.raises(ValueError, match="at least one frame"):
        kit.plots.slider("bias", {})
    with pytest.raises(ValueError, match="alt must say"):
        kit.plots.slider("bias", {"0": (kit.plots.figure()[0], "")})

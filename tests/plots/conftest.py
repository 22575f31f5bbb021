"""What a page shows, in words."""

import pytest

from kit.plots import page


@pytest.fixture
def shown(monkeypatch):
    """The alt texts of the figures that were shown."""
    texts = []
    monkeypatch.setattr(page, "display", lambda what, raw: texts.append(what["text/plain"]))
    return texts

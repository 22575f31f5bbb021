"""A chapter shows the code that runs."""

import kit
from kit.plots import code


def test_the_source_is_shown_as_it_is(monkeypatch):
    shown = []
    monkeypatch.setattr(code, "display", shown.append)
    kit.show(kit.plots.say)
    (block,) = shown
    assert block.data.startswith("```python\ndef say(text: str)") and block.data.endswith("\n```")

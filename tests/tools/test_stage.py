"""``tools/stage.py``: a chapter is taken from the largest scale."""

import pytest
import stage

from tests.tools.conftest import chapter


def test_a_chapter_is_taken_from_the_largest_scale(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "names", lambda: ["one", "two"])
    for folder, name in (("paper", "one"), ("quick", "one"), ("quick", "two")):
        chapter(tmp_path / folder, name, "")
    found = stage.find([tmp_path / "paper", tmp_path / "quick"])
    assert [file.parent.name for file in found] == ["paper", "quick"]
    with pytest.raises(FileNotFoundError, match="no executed copy of two in .*make paper"):
        stage.find([tmp_path / "paper"])

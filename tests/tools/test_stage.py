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


def test_a_current_text_goes_before_a_larger_scale(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "names", lambda: ["one"])
    current = {"quick"}
    monkeypatch.setattr(stage, "is_current", lambda copy, _: copy.parent.name in current)
    for folder in ("laptop", "quick"):
        chapter(tmp_path / folder, "one", "")
    folders = [tmp_path / "laptop", tmp_path / "quick"]
    assert stage.find(folders)[0].parent.name == "quick"
    current.add("laptop")
    assert stage.find(folders)[0].parent.name == "laptop"

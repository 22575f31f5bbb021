"""A file is there whole or not at all."""

import pytest

from kit.runtime.files import whole


def test_a_file_appears_when_it_is_complete(tmp_path):
    file = tmp_path / "new" / "a.json"
    with whole(file) as half:
        half.write_text("all of it")
        assert not file.exists()
    assert file.read_text() == "all of it" and list(file.parent.iterdir()) == [file]


def test_an_error_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.json"
    file.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole(file) as half:
        half.write_text("ne")
        raise KeyboardInterrupt
    assert file.read_text() == "old"

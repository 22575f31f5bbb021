"""A file is there whole or not at all."""

import errno
from pathlib import Path

import pytest

from kit.runtime.files import user_cache, whole


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
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]  # no half is left


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    file = tmp_path / "a.pt"
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match=f"no space is left in {tmp_path} for a.pt"), whole(file):
        raise full
    little = type("Usage", (), {"free": 100})
    monkeypatch.setattr("kit.runtime.files.shutil.disk_usage", lambda folder: little)
    with pytest.raises(OSError, match="no space is left"), whole(file) as half:
        half.write_text("part")
        raise RuntimeError("unexpected pos 7488 vs 7376")  # what torch.save says
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match="of another kind"), whole(file) as half:
        half.write_text("part")
        raise RuntimeError("of another kind")


def test_a_user_without_a_home(tmp_path, monkeypatch):
    assert user_cache().name == "did-it-really-forget"

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert user_cache() == tmp_path / "did-it-really-forget"


def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), whole(tmp_path / "file" / "a.json"):
        pass

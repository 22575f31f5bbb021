"""``tools/status.py``: what ran where, and what is missing."""

import nbformat
import pandas as pd
import status
from chapters import fingerprint

from tests.tools.conftest import chapter


def test_the_status_page_says_what_ran_where(tmp_path, monkeypatch):
    monkeypatch.setattr(status, "REPOSITORY", tmp_path)
    file = chapter(tmp_path / "done", "one", "")
    source = chapter(tmp_path / "notebooks", "one", "")
    notebook = nbformat.read(file, as_version=4)
    notebook.metadata |= {
        "papermill": {"start_time": "2026-01-02T03:04:05", "duration": 61.7,
                      "parameters": {"profile": "paper"}},
        "kit": {"source": fingerprint(source), "device": "a card", "commit": "abc",
                "versions": {"torch": "9.9"}},
    }  # fmt: skip
    nbformat.write(notebook, file)
    table = status.chapters([file])
    assert "| paper | 2026-01-02 03:04 | 62 | a card | `abc` | as run |" in table
    assert "With torch 9.9." in table
    chapter(tmp_path / "notebooks", "one", "changed")
    assert "| changed |" in status.chapters([file])


def test_the_status_page_says_what_is_missing(tmp_path):
    for name in ("done", "empty"):
        (tmp_path / f"{name}.toml").write_text(
            'profile = "quick"\nforget = [[1], [2]]\nseeds = [0]\narms = [{ method = "ssd" }]\n'
        )
    dates = ["2026-01-01T10:00:00Z", "2026-01-01T10:30:00Z",  # a sitting, and another
             "2026-01-03T10:00:00Z", "2026-01-03T10:12:00Z"]  # fmt: skip
    records = pd.DataFrame({"experiment": "done", "device": "a card", "date": dates})
    table = status.experiments(sorted(tmp_path.glob("*.toml")), records)
    done, empty = table.replace("\u00a0", " ").replace("\u2011", "-").splitlines()[2:]
    assert done == "| `done` | quick | 4 of 2 | 42 | 2026-01-03 | a card |"
    assert empty == "| `empty` | quick | 0 of 2 |  |  |  |"

"""``tools/sync.py``: a chapter and its twin."""

import json

import sync
from chapters import names

from tests.conftest import ROOT

CHAPTER = """\
---
kernelspec: {name: python3, display_name: Python 3}
---
# A title

```{code-cell} ipython3
1 + 1
```
"""


def test_twins_agree(capsys):
    chapters = [str(ROOT / "notebooks" / f"{name}.md") for name in names()]
    assert sync.main(["--check", *chapters]) == 0, capsys.readouterr().out


def test_the_same_text_gives_the_same_bytes_and_another_is_told(tmp_path, capsys):
    source, twin = tmp_path / "one.md", tmp_path / "one.ipynb"
    source.write_text(CHAPTER)
    assert sync.main([str(source)]) == 0 and "written" in capsys.readouterr().out
    before = twin.read_bytes()
    assert sync.main([str(source)]) == 0 and twin.read_bytes() == before
    assert [cell["id"] for cell in json.loads(before)["cells"]] == ["cell-00", "cell-01"]
    source.write_text(CHAPTER.replace("1 + 1", "1 + 2"))
    assert sync.main(["--check", str(source)]) == 1 and twin.read_bytes() == before
    assert "out of date: run make notebooks" in capsys.readouterr().out


def test_sync_refuses(refused):
    assert "not there: nowhere.md" in refused(sync.main, "nowhere.md")

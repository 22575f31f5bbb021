"""``tools/mutants.py``: planted defects, and whether the tests notice them."""

import subprocess
from pathlib import Path

import mutants
import pytest

from tests.conftest import ROOT

ENTRIES = mutants.load(sorted((ROOT / "tests" / "mutants").glob("*.toml")))
TINY = {
    "kit/__init__.py": "def add(a, b):\n    return a + b\n",
    "tests/test_add.py": "from kit import add\n\n\ndef test_add():\n    assert add(2, 2) == 4\n",
}


@pytest.mark.parametrize("name", ENTRIES)
def test_every_defect_can_be_planted(name):
    mutant = ENTRIES[name]
    assert mutants.planted(mutant, ROOT) != (ROOT / mutant["file"]).read_text()
    files = [Path(test.split("::")[0]) for test in mutant["tests"] if test.startswith("tests")]
    assert files and all((ROOT / file).exists() for file in files)


def entry(name, new, **changes):
    what = {"name": name, "file": "kit/__init__.py", "old": "a + b", "new": new, "why": ""}
    lines = [f'{key} = "{value}"' for key, value in (what | changes).items()]
    return "\n".join(["[[mutant]]", *lines, 'tests = ["tests/test_add.py"]\n'])


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Writes a repository of one function, one test and these entries."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # it needs none: starts in no time

    def write(*entries):
        for name, text in (TINY | {"tests/mutants/all.toml": "\n".join(entries)}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        return tmp_path

    return write


def test_outcomes_and_status(tiny, capsys):
    bad, good, broken = entry("minus", "a - b"), entry("times", "a * b"), entry("typo", "a +")
    root = tiny(bad, good, broken)
    assert mutants.main([], root) == 2
    words = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert words[:3] == [["killed", "minus"], ["survived", "times"], ["error", "typo"]]
    assert (root / "kit/__init__.py").read_text() == TINY["kit/__init__.py"]
    assert mutants.main(["times"], root) == 1
    assert mutants.main(["minus"], root) == 0


@pytest.mark.parametrize(
    ("entries", "names", "message"),
    [
        ([entry("a", "", old="a / b")], [], "a: old occurs 0 times"),
        ([entry("a", "", old="a")], [], "a: old occurs 3 times"),
        ([entry("a", "", colour="red")], [], "missing or unknown: colour"),
        ([entry("a", "b"), entry("a", "b")], [], "two mutants a"),
        ([entry("a", "b")], ["c"], "unknown mutant 'c'; choose one of a"),
    ],
)
def test_refuses_what_cannot_be_planted(tiny, refused, entries, names, message):
    root = tiny(*entries)
    assert message in refused(lambda arguments: mutants.main(arguments, root), *names)


def test_tests_must_pass_with_nothing_planted(tiny, refused, monkeypatch):
    monkeypatch.setitem(TINY, "kit/__init__.py", "def add(a, b):\n    return 5 + 0 * (a + b)\n")
    root = tiny(entry("minus", "a - b"))
    assert "nothing planted" in refused(lambda arguments: mutants.main(arguments, root))

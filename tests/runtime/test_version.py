"""Which code runs, and by which command: nothing of the machine it runs on."""

import subprocess
import sys

import pytest

import kit
from kit.runtime import version
from tests.conftest import ROOT


@pytest.fixture
def called(monkeypatch):
    """The command that is recorded for these words of a command line."""

    def command(*words):
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        return version.command()

    return command


def test_a_file_of_the_repository_is_named_as_seen_from_there(called, monkeypatch):
    file = "results/experiments/unsir.toml"
    expected = f"python -m kit run {file}"
    assert called(ROOT / "kit" / "__main__.py", "run", ROOT / file) == expected
    monkeypatch.chdir(ROOT / "results")
    assert called("/usr/bin/kit", "run", "experiments/unsir.toml") == expected


def test_words_that_are_no_files_stay(called, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = ["sweep", "--task", "class:3", "--methods", "unsir,ssd", "--seeds", "1"]
    assert called("kit", *words) == " ".join(["python -m kit", *words])


def test_a_file_from_elsewhere_says_that_nobody_can_repeat_it(called, tmp_path):
    (tmp_path / "mine.toml").touch()
    told = "not repeatable: python -m kit run mine.toml"
    assert called("kit", "run", tmp_path / "mine.toml") == told
    assert called("kit", "run", "C:\\work\\mine.toml").startswith("not repeatable: ")
    assert called("kit", "run", ROOT / ".." / ".." / tmp_path / "mine.toml") == told
    option = called("kit", "sweep", f"--root={tmp_path}", "--seeds=2")
    assert option == f"not repeatable: python -m kit sweep --root={tmp_path.name} --seeds=2"


def test_a_file_beside_the_caller_is_from_elsewhere_too(called, tmp_path, monkeypatch):
    (tmp_path / "mine.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert called("kit", "run", "mine.toml") == "not repeatable: python -m kit run mine.toml"


def test_what_is_no_command_of_the_kit_is_called_from_python(called, tmp_path):
    assert called(tmp_path / "my_script.py", "run") == called("") == "called from Python"
    assert called(tmp_path / "pytest" / "__main__.py", "x") == "called from Python"


def test_the_commit_is_that_of_the_repository(monkeypatch):
    monkeypatch.delenv("KIT_COMMIT", raising=False)
    head = ["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"]
    head = subprocess.run(head, capture_output=True, text=True).stdout.strip()
    assert version.commit() in (head, f"{head}+")
    monkeypatch.setenv("KIT_COMMIT", "abc")
    assert version.commit() == "abc"


def test_outside_a_checkout_there_is_no_commit(monkeypatch, tmp_path):
    monkeypatch.delenv("KIT_COMMIT", raising=False)
    monkeypatch.setattr(version, "PACKAGE", tmp_path)
    assert version.commit() == ""


def test_the_version_is_the_package_s():
    assert kit.__version__ == version.__version__


def test_the_commit_is_the_kits_and_not_that_of_a_repository_around_it(tmp_path, monkeypatch):
    monkeypatch.delenv("KIT_COMMIT", raising=False)
    package = tmp_path / "venv" / "kit"
    (package / "runtime").mkdir(parents=True)
    (package / "runtime" / "version.py").touch()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "theirs"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(version, "PACKAGE", package)
    assert version.commit() == ""  # not tracked there
    for words in (["add", "."], ["commit", "-q", "-m", "all of it"]):
        subprocess.run([*git, *words], check=True)
    assert version.commit() == ""  # tracked, but as a part of something else


def test_another_package_of_the_name_is_noticed(monkeypatch):
    assert version.rival() == ""
    other = type("Other", (), {"version": "0.2.15"})
    monkeypatch.setattr(version, "distribution", lambda name: other)
    assert version.rival().startswith("another package, kit 0.2.15, is installed in the same")

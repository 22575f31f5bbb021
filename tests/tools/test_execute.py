"""``tools/execute.py``: chapters run once, and fail alone."""

import os
import signal
import subprocess
import sys
import time

import chapters
import execute
import nbformat
import pytest
from execute import main

from tests.conftest import ROOT
from tests.tools.conftest import chapter


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_run_repeats_no_finished_chapter(tmp_path):
    log, done = tmp_path / "log", tmp_path / "executed"
    note = f"open({str(log)!r}, 'a').write('{{}} ')"
    waiting = "\nimport os, time\nwhile not os.path.exists({!r}): time.sleep(0.05)"
    slow = note.format("second") + waiting.format(str(tmp_path / "go"))
    files = [chapter(tmp_path / "in", "first", note.format("first")),
             chapter(tmp_path / "in", "second", slow)]  # fmt: skip
    arguments = ["--resume", "--into", str(done), *map(str, files)]
    command = [sys.executable, ROOT / "tools" / "execute.py", *arguments]
    process = subprocess.Popen(command, start_new_session=True)
    wait_for(lambda: log.exists() and "second" in log.read_text())
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert [file.name for file in done.glob("*.ipynb")] == ["first.ipynb"]
    (tmp_path / "go").touch()
    assert main(arguments) == 0
    assert log.read_text().split() == ["first", "second", "second"]
    said = nbformat.read(done / "second.ipynb", as_version=4).metadata["kit"]
    assert said["device"] and said["versions"]["torch"] and len(said["source"]) == 16
    # A chapter whose text has changed is run again, and only that one.
    chapter(tmp_path / "in", "first", note.format("changed"))
    assert main(arguments) == 0
    assert log.read_text().split()[3:] == ["changed"]


@pytest.mark.slow
def test_a_failing_chapter_does_not_stop_the_others(tmp_path, capsys):
    codes = {"bad": "1 / 0", "killed": "import os; os.kill(os.getpid(), 9)", "good": "1"}
    files = [chapter(tmp_path / "in", name, code) for name, code in codes.items()]
    assert main(["--into", str(tmp_path / "out"), *map(str, files)]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said and "killed.ipynb failed:\nKernel died" in said
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["good.ipynb"]


@pytest.mark.slow
def test_chapters_run_beside_each_other_and_say_what_failed(tmp_path, capfd):
    """Two that wait for each other end only if both run; the third fails alone, with its reason."""
    meet = (
        "import pathlib, time\npathlib.Path({!r}).touch()\n"
        "while not pathlib.Path({!r}).exists(): time.sleep(0.05)"
    )
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    codes = {"a": meet.format(here, there), "b": meet.format(there, here), "bad": "1 / 0"}
    files = [chapter(tmp_path / "in", name, code) for name, code in codes.items()]
    arguments = ["--jobs", "2", "--into", str(tmp_path / "out"), *map(str, files)]
    assert main(arguments) == 1
    said = capfd.readouterr().err
    assert "ZeroDivisionError" in said and "bad FAILED after" in said and "2 of 3 chapters" in said
    assert sorted(f.stem for f in (tmp_path / "out").iterdir()) == ["a", "b"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupt_or_a_fault_ends_the_build(tmp_path, error):
    """What has not begun does not begin, and nothing goes on as if all had been well."""
    begun = []

    def run(chapter):
        begun.append(chapter)
        time.sleep(0.2)
        raise error

    with pytest.raises(error):
        execute.every([tmp_path / f"{n}.ipynb" for n in range(9)], run, jobs=2)
    time.sleep(0.5)
    assert len(begun) <= 4


def test_whatever_a_chapter_is_made_from_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(chapters, "REPOSITORY", tmp_path)
    files = ("constraints.txt", "kit/a.py", "kit/data/b.tar", "kit/c.npz", "results/records/r.json")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("1")
    seen = {chapters.inputs()}
    assert seen == {chapters.inputs()}
    for number, file in enumerate(files):
        (tmp_path / file).write_text("2")
        seen.add(chapters.inputs())
        assert len(seen) == number + 2
    (tmp_path / "kit/a.py").rename(tmp_path / "kit/d.py")
    seen.add(chapters.inputs())
    (tmp_path / "kit/d.py").unlink()
    assert len(seen | {chapters.inputs()}) == len(files) + 3


@pytest.mark.slow
def test_an_interrupted_build_goes_on_and_takes_nothing_old_for_new(tmp_path, monkeypatch):
    log = tmp_path / "log"
    file = chapter(tmp_path / "in", "one", f"open({str(log)!r}, 'a').write('ran ')")
    arguments = ["--current", "--into", str(tmp_path / "out"), str(file)]
    for _ in range(2):
        assert main(arguments) == 0
    assert log.read_text() == "ran "
    monkeypatch.setattr(execute, "inputs", lambda: "another kit or record")
    assert main(arguments) == 0 and log.read_text() == "ran ran "


@pytest.mark.parametrize("wrong, said", [(["--profile", "huge"], "unknown profile 'huge'"),
                                         ([], "not there: nowhere.ipynb")])  # fmt: skip
def test_execute_refuses(tmp_path, refused, wrong, said):
    assert said in refused(main, "--into", tmp_path, *wrong, "nowhere.ipynb")

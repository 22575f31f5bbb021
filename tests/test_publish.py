"""What publishes the book: executing chapters, laying them out, travelling without a network."""

import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import nbformat
import pack
import pandas as pd
import pytest
import stage
import status
from chapters import fingerprint

ROOT = Path(__file__).parent.parent


def chapter(folder, name, code):
    """A notebook of one title and one cell."""
    folder.mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
        cells=[nbformat.v4.new_markdown_cell(f"# {name}"), nbformat.v4.new_code_cell(code)],
    )
    file = folder / f"{name}.ipynb"
    nbformat.write(notebook, file)
    return file


def execute(*arguments):
    command = [sys.executable, str(ROOT / "tools" / "execute.py"), *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_killed_run_repeats_no_finished_chapter(tmp_path):
    log, done = tmp_path / "log", tmp_path / "executed"
    note = f"open({str(log)!r}, 'a').write('{{}} ')"
    waiting = "\nimport os, time\nwhile not os.path.exists({!r}): time.sleep(0.05)"
    slow = note.format("second") + waiting.format(str(tmp_path / "go"))
    files = [chapter(tmp_path / "in", "first", note.format("first")),
             chapter(tmp_path / "in", "second", slow)]  # fmt: skip
    arguments = ["--resume", "--into", done, *files]
    process = execute(*arguments)
    wait_for(lambda: log.exists() and "second" in log.read_text())
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert [file.name for file in done.glob("*.ipynb")] == ["first.ipynb"]
    (tmp_path / "go").touch()
    process = execute(*arguments)
    assert process.wait(120) == 0, process.stderr.read()
    assert log.read_text().split() == ["first", "second", "second"]
    said = nbformat.read(done / "second.ipynb", as_version=4).metadata["kit"]
    assert said["device"] and said["versions"]["torch"] and len(said["source"]) == 16
    # A chapter whose text has changed is run again, and only that one.
    chapter(tmp_path / "in", "first", note.format("changed"))
    assert execute(*arguments).wait(120) == 0
    assert log.read_text().split()[3:] == ["changed"]


def test_a_failing_chapter_does_not_stop_the_others(tmp_path):
    codes = {"bad": "1 / 0", "killed": "import os; os.kill(os.getpid(), 9)", "good": "1"}
    files = [chapter(tmp_path / "in", name, code) for name, code in codes.items()]
    process = execute("--into", tmp_path / "out", *files)
    assert process.wait(120) == 1
    said = process.stderr.read()
    assert "ZeroDivisionError" in said and "killed.ipynb failed:\nKernel died" in said
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["good.ipynb"]


@pytest.mark.parametrize("wrong, said", [(["--profile", "huge"], "unknown profile 'huge'"),
                                         ([], "not there: nowhere.ipynb")])  # fmt: skip
def test_execute_refuses(tmp_path, wrong, said):
    process = execute("--into", tmp_path, *wrong, "nowhere.ipynb")
    assert process.wait(60) == 2 and said in process.stderr.read()


def test_a_chapter_is_taken_from_the_largest_scale(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "names", lambda: ["one", "two"])
    for folder, name in (("paper", "one"), ("quick", "one"), ("quick", "two")):
        chapter(tmp_path / folder, name, "")
    found = stage.find([tmp_path / "paper", tmp_path / "quick"])
    assert [file.parent.name for file in found] == ["paper", "quick"]
    with pytest.raises(FileNotFoundError, match="no executed copy of two in .*make paper"):
        stage.find([tmp_path / "paper"])


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


def test_every_chapter_can_be_published():
    kept = ROOT / "results" / "executed"
    assert len(stage.find([kept / p for p in ("paper", "laptop", "quick")])) == len(stage.names())


# --- without a network


@pytest.fixture
def packed(tmp_path):
    """The project in pieces, with a data folder of two files and no wheels."""
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "image").write_bytes(bytes(2 * 2**20))
    command = [sys.executable, ROOT / "tools" / "pack.py", "out", "--into", tmp_path / "pack",
               "--data", tmp_path / "tiny", "--piece", "1"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path / "pack"


def test_pieces_make_the_project_again(packed, tmp_path):
    pieces = sorted(packed.glob("part-*"))
    assert len(pieces) > 2 and all(piece.stat().st_size <= 2**20 for piece in pieces)
    whole = tmp_path / "whole.tar"
    whole.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    with tarfile.open(whole) as tar:
        names = tar.getnames()
        committed = tar.extractfile("source/kit/__init__.py").read()
    assert "data/tiny/image" in names
    shown = subprocess.run(["git", "-C", ROOT, "show", "HEAD:kit/__init__.py"], capture_output=True)
    assert committed == shown.stdout


def test_a_run_without_a_network_stops_in_time_and_brings_its_results(packed, tmp_path):
    """With a recipe of its own in place of the profile's, and the packages that are here."""
    subprocess.run("cat part-* | tar -x && touch unpacked", shell=True, cwd=packed, check=True)
    new = "results/executed/paper/new"
    recipe = f"paper:\n\tmkdir -p $$(dirname {new})\n\techo $$KIT_COMMIT > {new}\n\tsleep 600\n"
    (packed / "source" / "Makefile").write_text(recipe)
    (packed / "source" / ".venv").mkdir()
    (packed / "source" / ".venv" / "ready").touch()
    script = (packed / "run.sh").read_text().replace("minutes * 60", "minutes * 2")
    (packed / "run.sh").write_text(script)
    done = subprocess.run(["bash", packed / "run.sh", "1"], capture_output=True, text=True)
    assert done.returncode == 0 and "the time is over" in done.stdout, done.stderr
    home = tmp_path / "home"
    arguments = ["back", str(packed / "results.tar"), "--into", str(home)]
    home.mkdir()
    subprocess.run([sys.executable, ROOT / "tools" / "pack.py", *arguments], check=True)
    assert len((home / "results/executed/paper/new").read_text().strip()) == 12
    assert (home / "results" / "records").is_dir() and not (home / "Makefile").exists()


def test_pack_refuses(tmp_path):
    def run(*arguments):
        command = [sys.executable, ROOT / "tools" / "pack.py", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    absent = run("out", "--into", tmp_path / "pack", "--data", tmp_path / "nothing")
    assert absent.returncode == 2 and "no such folder of data" in absent.stderr
    assert not (tmp_path / "pack").exists()
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(ROOT / "README.md", "kit/__init__.py")
    evil = run("back", tmp_path / "evil.tar", "--into", tmp_path)
    assert evil.returncode == 2 and "holds what is no result: kit/__init__.py" in evil.stderr
    assert not (tmp_path / "kit").exists()


@pytest.fixture
def index(monkeypatch):
    """Packages of an index, and what ``pip`` would leave of them."""
    made = {"old": "any", "new": "any"}

    def pip(folder, command, *arguments):
        calls[command] = [pinned for pinned in arguments if "==" in pinned]
        for name, version in (pinned.split("==") for pinned in calls[command]):
            (folder / f"{name}-{version}-py3-none-{made[name]}.whl").touch()

    calls = {"made": made}
    packages = [
        {"name": "new", "version": "2.0", "wheels": [{}]},
        {"name": "old", "version": "1.0"},
        {"name": "there", "version": "3.0", "wheels": [{}]},
    ]
    monkeypatch.setattr(pack, "locked", lambda python: packages)
    monkeypatch.setattr(pack, "pip", pip)
    return calls


def test_a_package_without_a_wheel_is_built_before_it_travels(index, tmp_path):
    pack.download("3.12", ["th*"], tmp_path / "wheels")
    assert index["download"] == ["new==2.0"] and index["wheel"] == ["old==1.0"]
    names = sorted(wheel.name.split("-")[0] for wheel in (tmp_path / "wheels").iterdir())
    assert names == ["new", "old"]


def test_a_built_wheel_that_is_not_python_alone_is_refused(index, tmp_path):
    index["made"]["old"] = "linux_x86_64"
    with pytest.raises(ValueError, match="old-1.0.* was built for this machine"):
        pack.download("3.12", ["th*"], tmp_path / "wheels")


def test_the_folder_of_a_pack_must_be_new(tmp_path):
    command = [sys.executable, ROOT / "tools" / "pack.py", "out", "--into", tmp_path]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2 and "is there already" in refused.stderr


def test_one_bad_experiment_file_stops_a_list_before_it_runs(tmp_path):
    (tmp_path / "good.toml").write_text(
        'profile = "quick"\nforget = [[3]]\nseeds = [0]\narms = []\n'
    )
    (tmp_path / "bad.toml").write_text("profile = ")
    files = [tmp_path / "good.toml", tmp_path / "bad.toml"]
    done = subprocess.run([sys.executable, "-m", "kit", "run", *files], capture_output=True,
                          text=True, cwd=ROOT)  # fmt: skip
    assert done.returncode == 2 and "bad.toml is not an experiment" in done.stderr
    assert "good" not in done.stdout

"""``tools/pack.py``: to a machine without a network and back."""

import subprocess
import tarfile

import pack
import pytest

from tests.conftest import ROOT


@pytest.fixture
def packed(tmp_path):
    """The project in pieces, with a data folder of two files and no wheels."""
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "image").write_bytes(bytes(2 * 2**20))
    into, tiny = str(tmp_path / "pack"), str(tmp_path / "tiny")
    assert pack.main(["out", "--into", into, "--data", tiny, "--piece", "1"]) == 0
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


@pytest.mark.slow
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
    home.mkdir()
    assert pack.main(["back", str(packed / "results.tar"), "--into", str(home)]) == 0
    assert len((home / "results/executed/paper/new").read_text().strip()) == 12
    assert (home / "results" / "records").is_dir() and not (home / "Makefile").exists()


def test_pack_refuses(tmp_path, refused):
    absent = ["out", "--into", tmp_path / "pack", "--data", tmp_path / "nothing"]
    assert "no such folder of data" in refused(pack.main, *absent)
    assert not (tmp_path / "pack").exists()
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(ROOT / "README.md", "kit/__init__.py")
    evil = refused(pack.main, "back", tmp_path / "evil.tar", "--into", tmp_path)
    assert "holds what is no result: kit/__init__.py" in evil
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


def test_the_folder_of_a_pack_must_be_new(tmp_path, refused):
    assert "is there already" in refused(pack.main, "out", "--into", tmp_path)

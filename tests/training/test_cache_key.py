"""The key of a trained network: everything that decides its weights is in it."""

import ast
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kit.runtime.version import PACKAGE
from kit.training import cache
from tests.conftest import TOY_RECIPE
from tests.test_layers import imports

# What a training reaches, but cannot change a weight by. Images, rows, labels and statistics are
# in the key themselves, wherever they come from.
HARMLESS = {
    "runtime/checks.py", "runtime/cost.py", "runtime/files.py", "runtime/progress.py",
    "runtime/version.py", "training/watch.py", 
}  # fmt: skip


def reached():
    """The files that ``trained`` and ``fit_ensemble`` import, directly or not."""
    todo = [PACKAGE / "training/cache.py", PACKAGE / "training/ensemble.py"]
    found = set()
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += imports(file, PACKAGE)
    return {str(file.relative_to(PACKAGE)) for file in found}


DECIDING = sorted(
    name
    for name in reached() - HARMLESS
    if name == "datasets/split.py" or name.split("/")[0] not in ("datasets", "tasks")
)


def test_what_a_training_reaches():
    usual = ("split", "ensemble", "loop", "augment", "recipes", "device", "resnet")
    assert set(usual) <= {Path(name).stem for name in DECIDING}


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    target = tmp_path_factory.mktemp("copy") / "kit"
    return shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("*.npz", "__pycache__"))


@pytest.mark.parametrize("name", DECIDING)
def test_an_edit_of_a_file_that_decides_makes_another_key(name, copied):
    before = cache.code.__wrapped__(copied)
    assert before == cache.code()
    file = copied / name
    text = file.read_text()
    lines = text.splitlines(keepends=True)
    functions = (n.lineno for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef))
    number = next(functions, len(lines) + 1)
    file.write_text("".join([*lines[: number - 1], "# edited\n", *lines[number - 1 :]]))
    try:
        assert cache.code.__wrapped__(copied) != before
    finally:
        file.write_text(text)


def test_the_code_is_in_the_key(task, cached, monkeypatch):
    before = cache.place("lenet", task, on="train", seed=0, recipe=TOY_RECIPE)[1]
    monkeypatch.setattr(cache, "code", lambda: "another loop")
    assert cache.place("lenet", task, on="train", seed=0, recipe=TOY_RECIPE)[1] != before


def test_the_labels_are_in_the_key(task, cached):
    def file(of):
        return cache.place("lenet", of, on="train", seed=0, recipe=TOY_RECIPE)[1]

    swapped = task.train.labelled((task.train.y + 1) % 4)
    assert file(replace(task, train=swapped)) != file(task)


def test_the_libraries_and_statistics_are_in_the_key(task, cached, monkeypatch):
    def file():
        return cache.place("lenet", task, on="train", seed=0, recipe=TOY_RECIPE)[1]

    before = file()
    monkeypatch.setattr(cache, "version", lambda name: "another")
    assert file() != before
    monkeypatch.undo()
    monkeypatch.setattr(task.train.mean, "tolist", lambda: [0.1], raising=False)
    assert file() != before

"""``tools/new.py``: a method and its chapter that run before anything was written."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import kit
from kit.methods import registry
from tests.test_book import METHOD_PARTS, check_parts

ROOT = Path(__file__).parent.parent


def new(*arguments):
    command = [sys.executable, ROOT / "tools" / "new.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def begun(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    done = new("my_method", "My method", "--into", tmp_path)
    assert done.returncode == 0 and "- file: notebooks/class_my_method" in done.stdout
    return tmp_path


def test_the_method_runs_as_it_is(begun, task, original):
    spec = importlib.util.spec_from_file_location("mine", begun / "kit/methods/my_method.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    out = kit.unlearn("my_method", original, task)
    assert len(out.history["loss"]) == 1 and out.passes["retain_forward"] == len(task.retain)
    weights = zip(out.model.parameters(), original.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in weights)
    assert kit.methods.get("my_method").config.paper().lr == 0.01


def test_the_chapter_has_all_parts(begun):
    text = (begun / "notebooks/class_my_method.md").read_text()
    check_parts(text, METHOD_PARTS)
    assert "NAME" not in text and "TITLE" not in text
    command = [sys.executable, ROOT / "tools/sync.py", begun / "notebooks/class_my_method.md"]
    subprocess.run(command, check=True, capture_output=True)


def test_nothing_is_overwritten_and_names_are_names(begun):
    again = new("my_method", "My method", "--into", begun)
    assert again.returncode == 2 and "already there" in again.stderr
    for wrong in ("my-method", "class", "My"):
        refused = new(wrong, "x", "--into", begun)
        assert refused.returncode == 2 and "cannot name a method" in refused.stderr

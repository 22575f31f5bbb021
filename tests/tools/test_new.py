"""``tools/new.py``: a method and its chapter that run before anything was written."""

import importlib.util
import sys

import new
import pytest
import sync

import kit
from kit.methods import registry
from tests.book.test_book import METHOD_PARTS, check_parts


@pytest.fixture
def begun(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    assert new.main(["my_method", "My method", "--into", str(tmp_path)]) == 0
    assert "- file: notebooks/class_my_method" in capsys.readouterr().out
    return tmp_path


def imported(begun):
    spec = importlib.util.spec_from_file_location("mine", begun / "kit/methods/my_method.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_method_passes_the_contracts_as_it_is(begun, monkeypatch):
    module = imported(begun)
    monkeypatch.setitem(sys.modules, "mine", module)  # contracts read its source
    kit.methods.check("my_method")
    assert kit.methods.get("my_method").config.paper().lr == 0.01


def test_the_chapter_has_all_parts(begun):
    file = begun / "notebooks/class_my_method.md"
    check_parts(file.read_text(), METHOD_PARTS)
    assert "NAME" not in file.read_text() and "TITLE" not in file.read_text()
    assert sync.main([str(file)]) == 0


def test_nothing_is_overwritten_and_names_are_names(begun, refused):
    again = refused(new.main, "my_method", "My method", "--into", begun)
    assert "already there" in again
    for wrong in ("my-method", "class", "My"):
        assert "cannot name a method" in refused(new.main, wrong, "x", "--into", begun)

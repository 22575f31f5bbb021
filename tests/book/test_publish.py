"""What is published is there."""

import json

import pytest
import recompute
import stage

from tests.conftest import ROOT, elsewhere


def test_every_chapter_can_be_published():
    assert len(stage.find(recompute.KEPT)) == len(stage.names())


@pytest.mark.parametrize("folder", ["notebooks", "results/executed"])
def test_no_chapter_names_a_folder_of_a_machine(folder):
    told = {}
    for file in sorted((ROOT / folder).rglob("*")):
        if file.suffix in (".md", ".ipynb"):
            text = file.read_text()
            told[file.name] = elsewhere(json.loads(text) if file.suffix == ".ipynb" else text)
    assert told and not {name: texts[0][:200] for name, texts in told.items() if texts}


def test_a_folder_of_a_machine_is_found_wherever_it_stands():
    for text in (
        "/tmp",
        "python /home/me/x.py",
        "file:/work",
        '"/root/a"',
        "C:\\data",
        "in /Users/a",
    ):
        assert elsewhere([{"a": ["fine", text]}]) == [text]
    for text in (
        "a/tmp",
        "https://host/home",
        "~/work",
        "../tmp",
        "/workshop",
        "base64,ab+/tmp/x=",
    ):
        assert not elsewhere(text)
    assert not elsewhere({"image/png": "/tmp/"})


@pytest.mark.slow
def test_published_pages_say_what_the_records_say():
    """Prose, tables, alt texts and verdicts of all cells that need records alone."""
    pages = dict(recompute.recompute_pages(stage.find(recompute.KEPT)))
    assert not {page.stem: one.differences for page, one in pages.items() if one.differences}
    assert len(pages) == len(stage.names())
    assert all(one.cells > 0 for one in pages.values())

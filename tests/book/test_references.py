"""The references: each is a link, names all its authors, and is cited."""

import re

import pytest
from pybtex.database import parse_file

from tests.conftest import ROOT

ENTRIES = parse_file(ROOT / "book" / "references.bib").entries
TEXTS = [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")]
CODE = [file for kind in ("py", "toml") for file in (ROOT / "kit").rglob(f"*.{kind}")]


@pytest.mark.parametrize("key", ENTRIES)
def test_reference_is_a_link_and_names_all_authors(key):
    entry = ENTRIES[key]
    assert "doi" in entry.fields or entry.fields.get("url", "").startswith("https://")
    assert re.fullmatch(r"10\.\d{4,}/\S+", entry.fields.get("doi", "10.1000/x"))
    assert re.fullmatch(r"\d{4}\.\d{4,5}", entry.fields.get("eprint", "1234.56789"))
    assert entry.persons["author"] and "others" not in map(str, entry.persons["author"])
    assert {"title", "year"} <= set(entry.fields)


def test_reference_stands_where_its_kind_says():
    where = {"inproceedings": "booktitle", "article": "journal", "misc": "howpublished"}
    assert not [key for key, entry in ENTRIES.items() if where[entry.type] not in entry.fields]


def test_no_two_references_are_the_same_work():
    for name in ("title", "doi", "url", "eprint"):
        known = [e.fields[name].lower() for e in ENTRIES.values() if name in e.fields]
        assert len(known) == len(set(known))


def test_every_reference_is_cited():
    cited = {key.strip() for file in TEXTS
             for group in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", file.read_text())
             for key in group.split(",")}  # fmt: skip
    code = "\n".join(file.read_text() for file in CODE)
    cited |= {key for key in ENTRIES if re.search(rf'"{key}"', code)}
    assert not set(ENTRIES) - cited

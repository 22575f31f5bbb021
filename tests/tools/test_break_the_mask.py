"""``tools/break_the_mask.py``: what is caught by what, in words made from the records."""

import break_the_mask
import pytest

import kit


@pytest.fixture(scope="module")
def said():
    runs = kit.results.read("audits")
    views = break_the_mask.views(runs[runs["task"] == break_the_mask.REQUEST])
    assert len(views) == len(break_the_mask.METHODS) * len(break_the_mask.AUDITS)
    return {choice: view["said"] for choice, view in views.items()}


def test_the_mask_passes_by_its_answers_and_is_caught_behind_the_last_layer(said):
    assert "<b>passes</b>" in said["masking a logit, forget accuracy"]
    assert "<b>is caught</b>" in said["masking a logit, prototype recall"]
    assert "only barred" in said["masking a logit, relearning from 20 images"]


def test_an_audit_that_the_original_passes_decides_nothing(said):
    for method in break_the_mask.METHODS.values():
        assert "nothing is decided" in said[f"{method}, a linear probe"]


def test_it_is_made_twice_with_the_same_bytes():
    text = break_the_mask.text()
    assert text == break_the_mask.text()
    assert text.startswith("```{raw} html\n<div class=") and text.count("```") == 2
    assert len(text) < 100_000

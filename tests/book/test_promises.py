"""What the landing page promises of the chapters, and what no chapter may say."""

import re

import pytest

from kit.experiments import results
from tests.conftest import ROOT

NOTEBOOKS = {file.stem: file.read_text() for file in sorted((ROOT / "notebooks").glob("*.md"))}
PAGES = {file.stem: file.read_text() for file in sorted((ROOT / "book").glob("*.md"))}
OF_A_PAPER = (
    "class_unsir", "class_erwp", "class_pruning", "mixed_privacy", "feature_adversarial",
    "feature_filter",
)  # fmt: skip


def section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", OF_A_PAPER)
def test_the_derivation_is_the_library(name):
    assert "\nassert " in section(NOTEBOOKS[name], "From equation to code").replace("    ", "")


@pytest.mark.parametrize("name", [*OF_A_PAPER, "baselines"])
def test_each_method_says_how_faithful_it_is(name):
    box = NOTEBOOKS[name].partition("{admonition} How faithful is this?")[2].partition(":::")[0]
    for part in ("**Read**", "**Not read**", "**Inferred**", "**Ours**"):
        assert part in box, f"{name}: {part} is not in the box"


@pytest.mark.parametrize("name", [*OF_A_PAPER, "baselines", "comparison", "federated"])
def test_the_retrained_model_stands_beside_every_method(name):
    code = "".join(re.findall(r"```\{code-cell\}.*?```", NOTEBOOKS[name], re.DOTALL))
    assert re.search(r"retrained\(|\"retrain|'retrain|\.retrain\(|reference", code)


@pytest.mark.parametrize("name", [*NOTEBOOKS, *PAGES])
def test_what_no_page_may_say(name):
    """A paper that we could not read is public; a number of small runs is not of full scale; an
    interval is Student's and over seeds; an objective of ours does not carry the paper's name."""
    text = (NOTEBOOKS | PAGES)[name]
    for words in ("not public", "At full scale", "1.96", ".sem(", "H_\\mathrm{paper}"):
        assert words not in text, f"{name} says {words!r}"


def test_the_words_under_the_first_picture():
    """A masked logit moves nothing inside; the probe hardly tells retrained and original apart."""
    table = results.read("audits")
    means = table[table["task"] == "class:3"].groupby("arm")[["prototype_recall", "probe_forget"]]
    recall, probe = (means.mean()[column] for column in ("prototype_recall", "probe_forget"))
    assert recall["logit_mask"] == pytest.approx(recall["original"])
    assert recall["original"] - recall["retrain"] > 0.15
    assert probe["original"] - probe["retrain"] < 0.1


def test_a_new_chapter_begins_with_the_box():
    template = (ROOT / "tools" / "templates" / "chapter.md").read_text()
    box = template.partition("{admonition} How faithful is this?")[2].partition(":::")[0]
    assert all(part in box for part in ("**Read**", "**Not read**", "**Inferred**", "**Ours**"))
    assert "**Scale**" in template


EXAMPLES = set(re.findall(r'kit\.unlearn\("(\w+)", model, task', PAGES["how_to_use"]))
ELSEWHERE = {"mixed_privacy", "feature_sensitivity"}  # for single images and features


@pytest.mark.parametrize("name", sorted(EXAMPLES - ELSEWHERE))
def test_the_examples_name_methods_that_the_records_allow(name):
    """Near retraining by accuracy on clothes and photographs; on clothes not so inside."""
    for experiment in ("comparison", "comparison_cifar10"):
        table = results.read(experiment)
        runs = table[table["method"] == name]
        assert not runs["collapsed"].any() and runs["average_gap"].mean() < 0.01
    recall = results.read("comparison").groupby("method")["prototype_recall"].mean()
    assert recall[name] - recall["retrain"] > 0.15


def test_the_page_has_examples_of_every_kind():
    assert {"erwp", "ssd"} | ELSEWHERE == EXAMPLES

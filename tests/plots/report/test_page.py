"""The page: alone, readable, and nothing in it is taken for a tag."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

import kit
from kit.metrics.undefined import Undefined
from kit.plots.report import AUDITS, Measured
from tests.plots.report.conftest import an_audit

VOID = {"meta", "br"}


class Tree(HTMLParser):
    """Notes tags, and whether each is closed in its turn."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.texts = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_it_loads_nothing_and_runs_nothing(full):
    tree = Tree(full.html)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in tree.seen}
    for _, attributes in tree.seen:
        assert not {"src", "href", "srcset"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"https?:|url\(|@import|//\w", full.html)


def test_every_network_of_every_chart_has_a_label(full):
    labels = [a for _, a in Tree(full.html).seen if a.get("role") == "img"]
    said = [a["aria-label"] for a in labels]
    assert len(said) == 5 * len(AUDITS)
    assert "after: 0% (0%–14%)" in said or any(s.startswith("after: 0% (0%–") for s in said)
    assert sum(s.startswith("retrained 2: ") for s in said) == len(AUDITS)


def test_names_are_not_taken_for_tags(data, original, masked, sham):
    odd = dataclasses.replace(
        data, name='x & <script>alert("1")</script>', classes=["a", "<b>cat</b>", "c&d", "'e\""]
    )
    task = kit.tasks.forget_classes(odd, [1])
    audit, _ = an_audit("<i>probe</i>", values=[0.5])
    found = kit.report(
        original, masked, task, sham=sham, audits=[audit], about={"<u>file</u>": {"<s>": "<em>"}}
    )
    tree = Tree(found.html)
    assert not {"b", "script", "i", "u", "s", "em"} & {tag for tag, _ in tree.seen}
    assert "&lt;b&gt;cat&lt;/b&gt;" in found.html and "x &amp; &lt;script&gt;" in found.html
    text = " ".join(tree.texts)
    assert "<b>cat</b>" in text and "<u>file</u>" in text and 'x & <script>alert("1")' in text
    frame = found._repr_html_()
    (tag,) = [a for t, a in Tree(frame).seen if t == "iframe"]
    assert tag["srcdoc"] == found.html and tag["title"]
    assert [t for t, _ in Tree(frame).seen] == ["iframe"]


def test_marks_stand_where_the_numbers_are(quick):
    audit, _ = an_audit(values=[Measured(0.25, 0.125, 0.5), 0.75, -0.5], null=0.1)
    page = quick(audits=[audit]).html
    assert '<span class="dot before" style="left:25.00%"></span>' in page
    assert '<span class="bar" style="left:12.50%;width:37.50%"></span>' in page
    assert '<span class="dot after" style="left:75.00%"></span>' in page
    assert '<span class="dot sham" style="left:0.00%"></span>' in page  # on the edge
    assert page.count('<span class="null" style="left:10.00%"></span>') == 3
    assert "Dashed: 10%, nothing there. It is not." in page and "before: 25% (12%–50%)" in page


def test_a_null_that_is_not_known_has_no_mark(quick):
    page = quick(audits=[an_audit()[0]]).html
    assert 'class="null"' not in page and "Dashed:" not in page and "It is not." in page


@pytest.mark.parametrize("value", [Undefined("there is no <picture>"), float("nan")])
def test_what_could_not_be_measured_is_told(value, quick):
    audit, _ = an_audit(values=[0.5, value])
    other, _ = an_audit("other", values=[0.25])
    found = quick(audits=[audit, other])
    assert found.findings[0].rows == {} and found.findings[0].lacking
    assert found.html.count("<b>Not measured:</b>") == 1 and "nan" not in found.html.lower()
    assert "&lt;picture&gt;" in found.html or isinstance(value, float)
    assert found.findings[1].value("after") == 0.25


def test_a_finding_is_not_torn_apart_on_paper(full):
    sections = [attrs for tag, attrs in Tree(full.html).seen if tag == "section"]
    assert [attrs["class"] for attrs in sections] == ["first"] + ["finding"] * len(AUDITS)
    printed = full.html.partition("@media print")[2].partition("</style>")[0]
    assert re.search(r"\.finding[^{]*\{[^}]*break-inside: avoid", printed)
    parts = re.findall(r'<section class="finding">(.*?)</section>', full.html, re.DOTALL)
    assert all("<h3>" in part and 'class="chart"' in part for part in parts)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.5, 1.0], None),  # of two networks the interval would be wider than the scale
        ([0.0, 0.0, 0.0], None),
        ([0.5, 0.6, 1.0], "mean 70%, 95 % interval over 3 networks 4% to 100% (Student's t)"),
        ([0.0, 0.02, 0.1], "mean 4%, 95 % interval over 3 networks 0% to 17% (Student's t)"),
    ],
)
def test_an_interval_over_retrained_networks_needs_three_and_stays_a_share(values, said, quick):
    audit, _ = an_audit(values=[0.5, 0.5, 0.5, *values])
    nets = [quick.args[1]] * len(values)
    page = quick(audits=[audit], retrained=nets).html
    assert ("Student" in page) == (said is not None)
    assert said is None or said in page

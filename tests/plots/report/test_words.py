"""What may be said, and what may not."""

import pytest

import kit
from kit.plots.report import AUDITS, Measured
from kit.plots.report.words import asked
from tests.metrics.inside.test_masking import MASKS
from tests.plots.report.conftest import an_audit

NAMES = [audit for audit in AUDITS if audit.name == "forgotten_accuracy"]


@pytest.mark.parametrize("mask", MASKS)
def test_the_first_line_accuses_every_mask(mask, original, sham, task):
    line = kit.report(original, mask(original, task), task, sham=sham, audits=[]).first_lines[0]
    assert line.startswith("This network only hides its answers: it does not name the class “1”")
    assert "what it said before (100.0% of" in line


def test_the_first_line_accuses_no_other(original, retrained, retrained_too, sham, task):
    for net in (retrained, retrained_too, sham):
        line = kit.report(original, net, task, sham=sham, audits=NAMES).first_lines[0]
        assert "hides" not in line and "answers as before" not in line
        assert line.startswith("Asked to forget the class “1”, the network names")
    line = kit.report(original, original, task, sham=sham, audits=NAMES).first_lines[0]
    assert line.startswith("The network answers as before")


def test_without_retrained_networks_it_says_what_cannot_be_said(quick, full):
    found = quick(audits=AUDITS[:1])
    missing = "whether it is as if it had never seen the class “1”, cannot be said"
    assert missing in found.first_lines[-1] and "No retrained" in found.first_lines[-1]
    cannot = " ".join(found.statements["cannot"])
    assert "no retrained network is here" in cannot and "would be there without" not in cannot
    assert "spread" not in str(found.statements)
    assert "no retrained network is here" not in full.html


def test_one_retrained_network_has_no_spread(quick, retrained):
    found = quick(audits=AUDITS[:1], retrained=[retrained])
    assert found.first_lines[-1].startswith("One retrained network stands beside it: without a")
    assert any(
        "How the network stands to one that never" in line for line in found.statements["can"]
    )
    assert any("a second one would tell" in line for line in found.statements["cannot"])
    assert "networks that never saw" not in found.html and 'class="band"' not in found.html
    assert "green band" not in found.html
    assert "no retrained network" not in found.html.lower()


def test_two_retrained_networks_have_a_spread(full):
    assert full.first_lines[-1] == "2 retrained networks stand beside it; their spread is shown."
    can = " ".join(full.statements["can"])
    assert "How the network stands to 2 networks" in can and "67% of cases" in can
    assert not any("second one" in line for line in full.statements["cannot"])
    assert 'class="band"' in full.html and "95 % interval over" not in full.html


def test_what_no_number_carries_is_never_said(full, quick):
    for found in (full, quick(audits=[])):
        cannot = " ".join(found.statements["cannot"])
        assert "That no trace is left" in cannot and "That a law is satisfied" in cannot
    assert quick(audits=[]).statements["can"] == []
    can = quick(audits=[a for a in AUDITS if a.name == "membership"]).statements["can"]
    assert len(can) == 1 and can[0].startswith("How well one attack tells")


def test_retrained_networks_count_where_no_audit_could_be_made(quick, retrained):
    found = quick(audits=[], retrained=[retrained, retrained])
    assert found.first_lines[-1].startswith("2 retrained networks")


def test_it_stands_beside_the_spread(quick, retrained):
    audit, _ = an_audit("membership", [0.6, 0.9, 0.55, 0.4, 0.3])
    line = quick(audits=[audit], retrained=[retrained, retrained]).first_lines[1]
    assert "90%, before 60%; the 2 retrained networks have 30% to 40%." in line


def test_beside_one_retrained_network_or_none(quick, retrained):
    audit, _ = an_audit("membership", [0.6, 0.5, 0.55, 0.3])
    line = quick(audits=[audit], retrained=[retrained]).first_lines[1]
    assert "50%, before 60%, in the one retrained network 30%." in line
    audit, _ = an_audit("membership", [0.6, 0.5, 0.55])
    line = quick(audits=[audit]).first_lines[1]
    assert "50%, before 60%, after a sham update 55%." in line


@pytest.mark.parametrize("after, told", [(0.7, True), (0.85, False)])
def test_lost_work_is_told(after, told, quick):
    audit, _ = an_audit("kept_accuracy", [0.9, after, 0.9])
    lines = quick(audits=[audit]).first_lines
    assert any("It lost some of its work: right on 70%" in line for line in lines) == told


def test_the_interval_over_retrained_networks_is_students(quick, retrained):
    audit, _ = an_audit(values=[0.5, 0.5, 0.5, Measured(0.2), Measured(0.4)])
    reference = quick(audits=[audit], retrained=[retrained, retrained]).findings[0].reference
    assert reference["mean"] == pytest.approx(0.3) and reference["count"] == 2
    assert (reference["least"], reference["most"]) == (0.2, 0.4)
    assert reference["low"] == pytest.approx(0.3 - 12.706 * 0.1, abs=1e-3)


def test_what_was_asked_in_words(data):
    tasks = kit.tasks
    assert asked(tasks.forget_classes(data, [0, 2])) == "the classes “0” and “2”"
    assert asked(tasks.forget_samples(data, [3])) == "the one picture of the request"
    assert asked(tasks.forget_samples(data, [3, 5])) == "the 2 pictures of the request"

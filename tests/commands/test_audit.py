"""``kit audit``."""

import contextlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

import kit
from kit.plots.report import audits, document
from kit.plots.report.finding import Audit, Measured
from tests.commands.conftest import TRAIN, run

AUDIT = "audit pets --before net.safetensors --after b.safetensors --class dog"
FORGET = "forget pets --weights net.safetensors --class dog --method logit_mask --out"


def quick_audits():
    """Two that cost nothing."""
    return [audit for audit in audits.AUDITS if audit.name.endswith("_accuracy")]


@pytest.fixture
def asked(net, capsys, monkeypatch):
    """The network, and b.safetensors with its dogs masked; few audits."""
    assert run(f"{FORGET} b.safetensors", capsys)[0] == 0
    limit_to(quick_audits(), monkeypatch)
    return net


def limit_to(chosen, monkeypatch):
    report = document.report
    monkeypatch.setattr(
        kit.plots.report, "report", lambda *nets, **told: report(*nets, audits=chosen, **told)
    )


def test_a_report_beside_two_retrained_networks(asked, capsys):
    for seed in (1, 2):
        made = f"{TRAIN} --without dog --seed {seed} --out r{seed}.safetensors"
        assert run(made, capsys)[0] == 0
    both = "--retrained r1.safetensors r2.safetensors --report report.html"
    status, out, _ = run(f"{AUDIT} {both}", capsys)
    assert status == 0 and "written to report.html" in out
    assert out.startswith("This network only hides its answers: it does not name the class “dog”")
    assert "2 retrained networks stand beside it" in out
    page = (asked.parent / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "logit_mask" in page and "r2.safetensors" in page
    assert str(asked.parent) not in page


def test_as_json(asked, capsys):
    status, out, _ = run(f"{AUDIT} --json --report report.json", capsys)
    said = json.loads(out)
    assert status == 0 and said == json.loads((asked.parent / "report.json").read_text())
    assert said["about"]["method"]["method"] == "logit_mask"
    assert said["findings"][0]["rows"]["after"]["value"] == 0
    assert set(said["about"]["weights"]) == {"before", "after"}
    assert said["first_lines"][-1].startswith("No retrained network was given")


def test_pictures_by_name(net, pets, capsys, monkeypatch):
    limit_to(quick_audits(), monkeypatch)
    name = kit.datasets.from_folder(pets, 32, test_share=0.3).train_files[0]
    made = f"forget pets --weights net.safetensors --files {name} --method finetune"
    assert run(f"{made} --set epochs=1 --out c.pt", capsys)[0] == 0
    judge = f"audit pets --before net.safetensors --after c.pt --files {name} --json"
    status, out, _ = run(judge, capsys)
    assert status == 0 and "1 training pictures" in json.loads(out)["about"]["request"]
    other = kit.datasets.from_folder(pets, 32, test_share=0.3).train_files[1]
    status, _, error = run(judge.replace(name, other), capsys)
    assert status == 2 and "c.pt is not the outcome of this request" in error


def test_a_network_that_saw_the_forgotten_is_no_retrained_one(asked, pets, capsys):
    seen = len(list(pets.glob("dog/*"))) - len(
        [f for f in kit.datasets.from_folder(pets, 32, test_share=0.3).test_files if "dog" in f]
    )
    assert run(f"{TRAIN} --seed 1 --out r.safetensors", capsys)[0] == 0
    status, _, error = run(f"{AUDIT} --retrained r.safetensors", capsys)
    assert status == 2 and f"r.safetensors was trained on {seen} of the pictures to for" in error
    assert "Traceback" not in error
    assert run(f"{TRAIN} --without cat --seed 1 --out d.safetensors", capsys)[0] == 0
    status, _, error = run(f"{AUDIT} --retrained d.safetensors", capsys)
    assert status == 2 and "d.safetensors was trained on" in error


def test_an_unlearned_network_is_no_retrained_one(asked, capsys):
    """Its weights have seen what its file no longer names."""
    status, _, error = run(f"{AUDIT} --retrained b.safetensors", capsys)
    assert status == 2 and "b.safetensors was unlearned by kit forget" in error


@pytest.mark.parametrize(
    "change, message",
    [("--class cat", "b.safetensors is not the outcome of this request"),
     ("--after net.safetensors", "net.safetensors is not the outcome of this request: it forgot"),
     ("--report report.txt", "must end in .html or .json"),
     ("--image-size 48", "--image-size 48 does not fit"), ("--model resnet8", "holds a lenet"),
     ("--before no.safetensors", "no.safetensors is not there")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(asked, change, message, capsys):
    status, out, error = run(f"{AUDIT} {change}", capsys)
    assert status == 2 and message in error and "Traceback" not in error and out == ""
    assert not list(asked.parent.glob("report.*"))


def test_an_unknown_class_is_refused(asked, capsys):
    status, _, error = run(AUDIT.replace("dog", "horse"), capsys)
    assert status == 2 and "no class called 'horse'" in error


def test_before_and_after_in_each_others_place(asked, capsys):
    swapped = "audit pets --before b.safetensors --after net.safetensors --class dog"
    status, _, error = run(swapped, capsys)
    assert status == 2 and "Traceback" not in error
    assert "forgotten already" in error or "not the outcome" in error


def test_pictures_that_were_read_in_another_way(asked, capsys):
    other = TRAIN.replace("0.3", "0.4")
    assert run(f"{other} --without dog --out r.safetensors", capsys)[0] == 0
    status, _, error = run(f"{AUDIT} --retrained r.safetensors", capsys)
    assert status == 2 and "r.safetensors was trained on pictures that were read in" in error


def test_weights_of_somebody_else(asked, capsys):
    for old, new in (("net", "x"), ("b", "y")):
        torch.save(load_file(f"{old}.safetensors"), f"{new}.pth")
    theirs = "audit pets --before x.pth --after y.pth --class dog --test-share 0.3"
    status, _, error = run(theirs, capsys)
    assert status == 2 and "x.pth does not say which network it holds: say --model" in error
    status, out, _ = run(f"{theirs} --model lenet --image-size 32 --json", capsys)
    said = json.loads(out)
    assert status == 0 and said["about"]["mask"]["only_masked"] == 1
    assert said["about"]["method"] == {}
    status, _, error = run(f"{theirs} --model lenet --image-size 48", capsys)
    assert status == 2 and "Traceback" not in error


def test_an_interrupted_audit_goes_on(asked, capsys, monkeypatch):
    done = []

    def probe(name, ends=False):
        def measure(net, networks, task, seed):
            if ends:
                raise KeyboardInterrupt
            done.append(name)
            return Measured(0.5)

        return Audit(name, "?", measure, lambda task: None, "", "", "")

    limit_to([probe("a"), probe("b"), probe("c", ends=True)], monkeypatch)
    with contextlib.suppress(KeyboardInterrupt):
        assert run(AUDIT, capsys)[0] != 0
    assert done == ["a"] * 3 + ["b"] * 3
    limit_to([probe("a"), probe("b"), probe("c")], monkeypatch)
    assert run(f"{AUDIT} --report report.html", capsys)[0] == 0
    assert done == ["a"] * 3 + ["b"] * 3 + ["c"] * 3


def test_a_second_request(asked, pets, capsys):
    """Judged beside the outcome of the first, whose class is no longer on the disk."""
    shutil.rmtree(pets / "dog")
    second = "forget pets --weights b.safetensors --class cat --method logit_mask --out c.pt"
    assert run(second, capsys)[0] == 0
    judge = "audit pets --before b.safetensors --after c.pt --class cat --json"
    status, out, _ = run(judge, capsys)
    assert status == 0 and json.loads(out)["findings"][0]["rows"]["after"]["value"] == 0

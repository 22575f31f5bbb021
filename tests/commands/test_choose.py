"""``kit choose``."""

import json

import pytest

from kit.datasets import from_folder
from tests.commands.conftest import run

CHOOSE = "choose pets --model lenet --image-size 32 --test-share 0.3 --class cat"


def test_it_prints_what_can_serve(pets, capsys):
    status, out, _ = run(CHOOSE, capsys)
    assert status == 0 and "retrain" in out and "finetune" in out


def test_as_json(pets, capsys):
    status, out, _ = run(f"{CHOOSE} --json", capsys)
    said = json.loads(out)
    assert status == 0 and said["level"] == "class"
    assert "retrain" in out and "NaN" not in out


def test_a_trained_network_and_pictures_by_name(net, pets, capsys):
    name = from_folder(pets, 32, test_share=0.3).train_files[0]
    command = f"choose pets --weights net.safetensors --files {name} --json"
    status, out, _ = run(command, capsys)
    assert status == 0 and json.loads(out)["level"] == "sample"


def test_what_is_left_and_what_it_may_cost(pets, capsys, monkeypatch):
    monkeypatch.setattr("kit.experiments.choose.retraining_minutes", lambda *_: 1.0)

    def serving(more):
        status, out, _ = run(f"{CHOOSE} --json {more}", capsys)
        assert status == 0
        return {row["method"] for row in json.loads(out)["methods"] if row["serves"]}

    everything = serving("")
    assert serving("--retain 0") < everything and "retrain" not in serving("--retain 0")
    assert "retrain" in everything and "retrain" not in serving("--budget 1")


@pytest.mark.parametrize(
    "change, message",
    [("--retain 2", "retain is a share of images from 0 to 1"), ("--budget -1", "budget"),
     ("--class horse", "no class called 'horse'"), ("--model magic", "magic"),
     ("--weights no.pt", "no.pt is not there")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(pets, change, message, capsys):
    status, out, error = run(f"{CHOOSE} {change}", capsys)
    assert status == 2 and message in error and "Traceback" not in error and out == ""


def test_a_network_must_be_named(pets, capsys):
    status, _, error = run(CHOOSE.replace("--model lenet ", ""), capsys)
    assert status == 2 and "--model" in error

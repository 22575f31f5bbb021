"""``kit forget``."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

import kit
from kit.commands.forget import settings
from kit.models import read_origin
from tests.commands.conftest import run

FORGET = "forget pets --weights net.safetensors --class cat --method logit_mask --out b.safetensors"


def test_a_class(net, capsys):
    status, out, _ = run(f"{FORGET} --json", capsys)
    said = json.loads(out)
    assert status == 0 and said["rows"]["after"]["forget_accuracy"] == 0
    assert said["method"] == "logit_mask" and said["passes"] == {}
    after, before = read_origin("b.safetensors"), read_origin(net)
    assert after.requests == [{"classes": ["cat"]}] and after.made["method"] == "logit_mask"
    assert set(after.trained) < set(before.trained) and after.mean == before.mean
    old, new = load_file(net), load_file("b.safetensors")
    assert [n for n in old if not torch.equal(old[n], new[n])] == ["head.bias"]


def test_pictures_and_settings(net, pets, capsys):
    data = kit.datasets.from_folder(pets, 32, test_share=0.3)
    name = data.train_files[0]
    command = f"forget pets --weights net.safetensors --files {name} --method finetune"
    status, out, _ = run(f"{command} --set epochs=1 --set lr=0.001 --out b.pt --json", capsys)
    said = json.loads(out)
    assert status == 0 and said["request"] == "sample:1" and said["config"]["lr"] == 0.001
    assert len(read_origin("b.pt").requests[0]["files"]) == 1


def test_one_request_after_the_other(net, pets, capsys):
    """As real requests arrive; between them the pictures are deleted from the disk, too."""
    assert run(FORGET, capsys)[0] == 0
    shutil.rmtree(pets / "cat")
    second = "forget pets --weights b.safetensors --class dog --method logit_mask --out c.pt --json"
    status, out, _ = run(second, capsys)
    assert status == 0 and json.loads(out)["rows"]["after"]["forget_accuracy"] == 0
    assert read_origin("c.pt").requests == [{"classes": ["cat"]}, {"classes": ["dog"]}]
    status, _, error = run(second.replace("dog", "cat"), capsys)
    assert status == 2 and "forgotten already" in error


def test_weights_of_somebody_else(net, pets, capsys):
    torch.save(load_file(net), "theirs.pth")
    command = "forget pets --weights theirs.pth --class cat --method logit_mask --out b.pt"
    command += " --test-share 0.3"
    status, _, error = run(command, capsys)
    assert status == 2 and "theirs.pth does not say which network it holds: say --model" in error
    command += " --model lenet --image-size 32 --mean 0.5 0.5 0.5 --std 0.2 0.2 0.2"
    assert run(command, capsys)[0] == 0
    origin = read_origin("b.pt")
    assert torch.allclose(torch.tensor(origin.mean), torch.tensor([0.5] * 3))
    assert origin.model == "lenet" and origin.requests == [{"classes": ["cat"]}]


@pytest.mark.parametrize(
    "change, message",
    [("--image-size 48", "--image-size 48 does not fit the network, whose weights file says 32"),
     ("--test-share 0.2", "--test-share 0.2 does not fit"),
     ("--split-seed 1", "--split-seed 1 does not fit"),
     ("--mean 0.1 0.1 0.1 --std 1 1 1", "--mean [0.1, 0.1, 0.1] does not fit"),
     ("--model resnet8", "holds a lenet, --model says resnet8"),
     ("--class horse", "no class called 'horse'"), ("--set lr", "write --set NAME=VALUE"),
     ("--set speed=3", "logit_mask has no setting speed"), ("--out b.txt", "must end in"),
     ("--method magic", "unknown method 'magic'")],
)  # fmt: skip
def test_what_does_not_fit_is_refused(net, change, message, capsys):
    status, _, error = run(f"{FORGET} {change}", capsys)
    assert status == 2 and message in error and "Traceback" not in error
    assert not list(net.parent.glob("b.*"))


def test_another_folder_is_refused(net, pets, capsys):
    victim = kit.datasets.from_folder(pets, 32, test_share=0.3).train_files[-1]
    shutil.move(victim, pets.parent / "kept.png")
    status, _, error = run(FORGET, capsys)
    assert (
        status == 2 and "1 of the" in error and "pictures that the network was trained on" in error
    )
    shutil.move(pets.parent / "kept.png", victim)
    shutil.copytree(pets / "dog", pets / "wolf")
    status, _, error = run(FORGET, capsys)
    assert status == 2 and "does not know the classes wolf; it knows cat, dog, fox" in error
    shutil.rmtree(pets / "wolf")
    shutil.move(pets / "fox", pets.parent / "fox")
    status, _, error = run(FORGET, capsys)
    assert status == 2 and "no pictures of fox, which the network was trained on" in error


def test_new_pictures_are_no_training_pictures(net, pets, capsys):
    for n in range(6):
        shutil.copy(pets / "dog/00.png", pets / "dog" / f"new{n}.png")
    assert run(FORGET, capsys)[0] == 0
    assert len(read_origin("b.safetensors").trained) < len(read_origin(net).trained)


def test_settings_are_read_as_toml():
    texts = ["lr=0.1", "epochs=3", "flip=true", "variant=paper", 'name="a b"', "parts=[1, 2]"]
    assert settings(texts) == {
        "lr": 0.1, "epochs": 3, "flip": True, "variant": "paper", "name": "a b", "parts": [1, 2],
    }  # fmt: skip

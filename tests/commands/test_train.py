"""``kit train``."""

import json

import pytest
import torch
from safetensors.torch import load_file

import kit
from kit.models import read_origin
from tests.commands.conftest import CLASSES, TRAIN, run


def test_the_weights_say_what_they_are(net, pets, capsys):
    origin = read_origin(net)
    assert origin.model == "lenet" and origin.classes == list(CLASSES)
    assert origin.image_size == 32 and origin.test_share == 0.3 and not origin.requests
    data = kit.datasets.from_folder(pets, 32, test_share=0.3)
    assert len(origin.trained) == len(data.train_y) and len(set(origin.trained)) == len(
        data.train_y
    )
    assert torch.allclose(torch.tensor(origin.mean), data.statistics[0])
    assert "cat/" not in net.read_bytes().decode("latin-1")  # no name of a picture


def test_the_network_in_plain_torch(net, pets):
    data = kit.datasets.from_folder(pets, 32, test_share=0.3)
    plain = kit.models.build("lenet", data)
    plain.load_state_dict(load_file(net))
    wrapped = kit.models.wrap(lambda: kit.models.build("lenet", data), data, state=net)
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(plain(x), wrapped(x))


def test_the_same_command_gives_the_same_weights(net, capsys):
    status, out, _ = run(f"{TRAIN} --out again.pt --json", capsys)
    said = json.loads(out)
    assert status == 0 and said["out"] == "again.pt" and 0 <= said["test_accuracy"] <= 1
    one, two = load_file(net), torch.load("again.pt", weights_only=True)["state_dict"]
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_retrained_networks_have_not_seen_it(net, pets, capsys):
    assert run(f"{TRAIN} --without cat --out r.safetensors", capsys)[0] == 0
    origin, before = read_origin("r.safetensors"), read_origin(net)
    assert origin.requests == [{"classes": ["cat"]}]
    assert set(origin.trained) < set(before.trained)
    data = kit.datasets.from_folder(pets, 32, test_share=0.3)
    assert len(before.trained) - len(origin.trained) == (data.train_y == 0).sum()
    some = [file for file, y in zip(data.train_files, data.train_y, strict=True) if y == 1][:2]
    (pets.parent / "request.csv").write_text("\n".join(["file", *some]))
    status, out, _ = run(f"{TRAIN} --without request.csv --out s.safetensors --json", capsys)
    assert status == 0 and json.loads(out)["trained_on"] == len(data.train_y) - 2
    (request,) = read_origin("s.safetensors").requests
    assert set(request["files"]) == set(before.trained) - set(read_origin("s.safetensors").trained)


def test_each_request_of_several_is_kept(net, pets, capsys):
    data = kit.datasets.from_folder(pets, 32, test_share=0.3)
    dogs = [file for file, y in zip(data.train_files, data.train_y, strict=True) if y == 1]
    for number, file in enumerate(dogs[:2]):
        (pets.parent / f"{number}.csv").write_text(f"file\n{file}\n")
    before = set(read_origin(net).trained)
    for names, requests in (("0.csv 1.csv", 2), ("cat 0.csv 1.csv", 3)):
        assert run(f"{TRAIN} --without {names} --out s.safetensors", capsys)[0] == 0
        origin = read_origin("s.safetensors")
        files = [key for request in origin.requests for key in request.get("files", [])]
        assert len(origin.requests) == requests and len(set(files)) == 2
        assert set(files) <= before - set(origin.trained)


@pytest.mark.parametrize(
    "command, message",
    [("train nowhere --model lenet --out a.pt", "nowhere"),
     ("train pets --model lenet --out a.bin", "a.bin must end in"),
     ("train pets --model lenet --out a.pt --epochs 0", "epochs must be at least 1"),
     ("train pets --model lenet2 --out a.pt --test-share 0.3", "no network 'lenet2'"),
     ("train pets --model lenet --out a.pt --test-share 0.3 --image-size 0", "image_size must be"),
     ("train pets --model lenet --out a.pt --test-share 2", "share"),
     (f"{TRAIN} --out a.pt --without horse", "no class called 'horse'"),
     (f"{TRAIN} --out a.pt --without none.csv", "none.csv cannot be read"),
     ("train pets --model lenet --out a.pt --mean 0.5", "--mean and --std belong together")],
)  # fmt: skip
def test_wrong_arguments(pets, command, message, capsys):
    status, _, error = run(command, capsys)
    assert status == 2 and message in error and "Traceback" not in error
    assert not list(pets.parent.glob("a.*"))

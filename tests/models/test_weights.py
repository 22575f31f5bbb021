"""Weights files that say what they are."""

import pytest
import torch
from torch import nn

from kit.models import Origin, read_origin, read_state, save_weights

ORIGIN = Origin(
    "resnet8", ["cat", "dög"], 64, mean=[0.1, 0.25, 1 / 3], std=[0.5, 0.5, 0.5],
    trained=["0123456789abcdef"], test_share=0.2, requests=[{"classes": ["cat"]}],
    made={"method": "ssd", "seconds": 1.5},
)  # fmt: skip


@pytest.fixture
def net():
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth"])
def test_all_comes_back(net, tmp_path, name):
    save_weights(net, tmp_path / name, ORIGIN)
    assert read_origin(tmp_path / name) == ORIGIN
    state = read_state(tmp_path / name)
    assert all(torch.equal(state[n], t) for n, t in net.state_dict().items())
    assert set(state) == set(net.state_dict())
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_torch_reads_it_without_the_kit(net, tmp_path):
    save_weights(net, tmp_path / "a.pt", ORIGIN)
    net.load_state_dict(torch.load(tmp_path / "a.pt", weights_only=True)["state_dict"])


def test_tied_weights_and_odd_strides(tmp_path):
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    net[0].weight.data = net[0].weight.data.t()
    save_weights(net, tmp_path / "a.safetensors")
    assert torch.equal(read_state(tmp_path / "a.safetensors")["1.weight"], net[0].weight)


def test_weights_of_somebody_else_say_nothing(net, tmp_path):
    save_weights(net, tmp_path / "a.safetensors")
    torch.save(net.state_dict(), tmp_path / "b.pt")
    assert read_origin(tmp_path / "a.safetensors") is None
    assert read_origin(tmp_path / "b.pt") is None


def test_files_that_cannot_be_read(net, tmp_path):
    with pytest.raises(FileNotFoundError, match="none.pt is not there"):
        read_origin(tmp_path / "none.pt")
    for name in ("a.safetensors", "a.pt"):
        (tmp_path / name).write_bytes(b"no weights")
        with pytest.raises(ValueError, match=f"{name} cannot be read as weights"):
            read_origin(tmp_path / name)
    with pytest.raises(ValueError, match="must end in .pt, .pth, .safetensors"):
        save_weights(net, tmp_path / "a.bin")


def test_another_version_is_told(net, tmp_path, monkeypatch):
    monkeypatch.setattr("kit.models.weights.asdict", lambda origin: {"news": 1})
    save_weights(net, tmp_path / "a.pt", ORIGIN)
    with pytest.raises(ValueError, match="another version of the kit, or altered"):
        read_origin(tmp_path / "a.pt")

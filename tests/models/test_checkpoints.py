"""Weights as training scripts, Lightning, DataParallel and torch.compile write them."""

import pytest
import torch
from torch import nn

from kit.models.checkpoints import load_state, read_state


def net(classes=3):
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, classes))


def below(prefix, state):
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


STATE = net().state_dict()
LIGHTNING = {
    "epoch": 3, "pytorch-lightning_version": "2.5", "global_step": torch.tensor(7),
    "state_dict": {**below("model.", STATE), "loss.weight": torch.ones(3)},
}  # fmt: skip


@pytest.mark.parametrize(
    "saved",
    [
        STATE,
        below("module.", STATE),
        below("_orig_mod.", STATE),
        below("module._orig_mod.", STATE),
        {"state_dict": STATE, "epoch": 3},
        {"model": below("net.", STATE), "optimizer": {"lr": torch.tensor(0.1)}},
        {"model_state_dict": {"state_dict": STATE}},
        {"n_averaged": torch.tensor(5), **below("module.", STATE)},
        {name: tensor.half().float() for name, tensor in STATE.items() if "tracked" not in name},
        LIGHTNING,
    ],
    ids=["plain", "DataParallel", "compile", "both", "state_dict", "model and net", "twice",
         "averaged", "of an old torch", "Lightning"],
)  # fmt: skip
@pytest.mark.parametrize("from_file", [False, True])
def test_weights_are_found_whatever_surrounds_them(saved, from_file, tmp_path):
    torch.save(saved, tmp_path / "a.pt")
    fresh = net()
    load_state(fresh, tmp_path / "a.pt" if from_file else saved)
    for name, tensor in fresh.state_dict().items():
        torch.testing.assert_close(tensor, STATE[name], rtol=1e-2, atol=1e-3)


def test_what_tools_put_into_names_is_left_out():
    assert list(read_state(below("module._orig_mod.", STATE))) == list(STATE)
    assert list(read_state({"head._orig_mod.weight": torch.ones(1)})) == ["head.weight"]
    # An attribute of one's own that is called "model" is no wrapper.
    assert list(read_state(below("model.", STATE)))[0] == "model.0.weight"


def test_networks_whose_own_names_look_like_wrappers():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = net()

    for saved in (Outer().state_dict(), STATE):
        outer = Outer()
        load_state(outer, saved)
        assert torch.equal(outer.module[3].weight, list(saved.values())[-2])


def test_versions_of_layers_go_along(tmp_path):
    """MNASNet is built otherwise by the version that its weights were saved with."""
    from torchvision.models import mnasnet0_5

    state = mnasnet0_5(num_classes=3).state_dict()
    wrapped = nn.Sequential()
    wrapped.module = mnasnet0_5(num_classes=3)
    for saved in (state, wrapped.state_dict()):
        torch.save(saved, tmp_path / "a.pt")
        load_state(mnasnet0_5(num_classes=3), tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("saved", "match"),
    [
        ({}, "the state holds no tensors but nothing"),
        ({"epoch": 3, "args": {}}, "holds no tensors but epoch, args"),
        ([1, 2], "the state is a list, not a state dict"),
        (net(), r"the state is a Sequential, not a state dict: give net.state_dict\(\)"),
        (net(7).state_dict(), r"2 of another shape \(3.weight \[7, 8\] for \[3, 8\], 3.bias"),
        (STATE | {"9.weight": torch.ones(2)}, r"1 unexpected \(9.weight\)"),
        ({"0.weight": STATE["0.weight"]}, r"7 missing \(0.bias, 1.weight, ...\)"),
        (below("student.", STATE) | below("teacher.", STATE), "below 'student.' and 'teacher.'"),
        (STATE | {"3.bias": torch.full((3,), torch.nan)}, r"NaN or infinite weights \(3.bias\)"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(saved, match):
    with pytest.raises(ValueError, match=match) as error:
        load_state(net(), saved)
    assert len(str(error.value)) < 300 and "\n" not in str(error.value)


def test_a_message_stays_short_however_long_the_names():
    long = {f"{'encoder.layers.' * 20}{n}.scale": torch.ones(1) for n in range(500)}
    with pytest.raises(ValueError, match=r"500 unexpected \(\.\.\.") as error:
        load_state(net(), long)
    assert len(str(error.value)) < 600


def test_files_that_hold_something_else(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.pt is not there"):
        read_state(tmp_path / "absent.pt")
    torch.save(net(), tmp_path / "code.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    for name in ("code.pt", "text.pt"):
        with pytest.raises(ValueError, match=f"{name} does not hold plain tensors") as error:
            load_state(net(), tmp_path / name)
        assert len(str(error.value)) < 600 and "\n" not in str(error.value)
    torch.save(net(7).state_dict(), tmp_path / "seven.pt")
    with pytest.raises(ValueError, match="seven.pt does not fit this network"):
        load_state(net(), tmp_path / "seven.pt")

"""The device that computes, and seeds that leave no trace."""

import pytest
import torch

from kit.runtime.device import device, device_name, full_precision, mixed_precision, seeded


def test_the_environment_chooses_the_device(monkeypatch):
    monkeypatch.setenv("KIT_DEVICE", "cpu")
    assert device() == torch.device("cpu")
    assert device_name().endswith(f", {torch.get_num_threads()} threads")


@pytest.mark.parametrize(
    "wanted, sentence", [("cuda", "KIT_DEVICE=cuda, but torch finds no GPU"),
                         ("gpu", "KIT_DEVICE=gpu is no device: say cpu, cuda or cuda:1")]
)  # fmt: skip
def test_a_device_that_is_not_there(monkeypatch, wanted, sentence):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("KIT_DEVICE", wanted)
    with pytest.raises(ValueError, match=sentence):
        device()


def test_the_same_seed_gives_the_same_numbers_and_restores_the_generator():
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.rand(4)
    with seeded(3):
        assert torch.equal(torch.rand(4), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_precision_is_as_asked():
    with mixed_precision(True):
        assert torch.is_autocast_enabled("cpu") or torch.cuda.is_available()
    with mixed_precision(False):
        assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("before", [True, False])
def test_full_precision_ends_where_it_began(monkeypatch, before):
    cudnn = torch.backends.cudnn
    monkeypatch.setattr(cudnn, "allow_tf32", before)
    with full_precision():
        assert cudnn.allow_tf32 is False
    assert cudnn.allow_tf32 is before
    with pytest.raises(KeyError), full_precision():
        raise KeyError
    assert cudnn.allow_tf32 is before


def test_full_precision_decorates(monkeypatch):
    cudnn = torch.backends.cudnn
    monkeypatch.setattr(cudnn, "allow_tf32", True)
    decorated = full_precision()(lambda: cudnn.allow_tf32)
    assert [decorated(), decorated()] == [False, False] and cudnn.allow_tf32 is True

"""Which device computes, in which precision, and with which random numbers."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch


def device() -> torch.device:
    """``$KIT_DEVICE`` if set, else the GPU if there is one, else the CPU.

    Raises
    ------
    ValueError
        a device that torch does not know, or a GPU that is not there.
    """
    default = "cuda" if torch.cuda.is_available() else "cpu"
    wanted = os.environ.get("KIT_DEVICE", default)
    try:
        chosen = torch.device(wanted)
    except RuntimeError as error:
        raise ValueError(f"KIT_DEVICE={wanted} is no device: say cpu, cuda or cuda:1") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"KIT_DEVICE={wanted}, but torch finds no GPU: unset it, or say cpu")
    return chosen


def device_name() -> str:
    """The GPU's name, or the CPU's with the number of threads used."""
    if device().type == "cuda":
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else platform.machine()}, {torch.get_num_threads()} threads"


def bf16_is_fast() -> bool:
    """Whether this machine multiplies bfloat16 in hardware."""
    if device().type == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def mixed_precision(bf16: bool | None = None) -> torch.autocast:
    """bfloat16 autocast as the recipe says: True, False, or None for "where it is fast"."""
    enabled = bf16_is_fast() if bf16 is None else bf16
    return torch.autocast(device().type, torch.bfloat16, enabled=enabled)


@contextmanager
def full_precision() -> Iterator[None]:
    """Inside the ``with`` convolutions on a GPU keep all digits of float32: TF32 has three, and a
    solver that needs more would stop short. It also decorates a function."""
    cudnn, before = torch.backends.cudnn, torch.backends.cudnn.allow_tf32
    cudnn.allow_tf32 = False
    try:
        yield
    finally:
        cudnn.allow_tf32 = before


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generators inside the ``with`` and restore them afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield

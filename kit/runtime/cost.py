"""What a computation costs: seconds, peak memory, and passes of samples through a network."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

_open_meters: ContextVar[tuple["Meter", ...]] = ContextVar("open_meters", default=())


class Meter:
    """Filled while ``measure()`` is open.

    Attributes
    ----------
    seconds
        wall-clock time.
    passes
        samples times passes, keys like "retain_forward" or "synthetic_backward". They compare
        across machines, seconds do not.
    peak_memory
        bytes the GPU held at most; 0 on a CPU, where torch does not count them.
    """

    def __init__(self):
        self.seconds = 0.0
        self.passes: Counter[str] = Counter()
        self.peak_memory = 0
        self.paused = 0.0  # seconds that do not count


@contextmanager
def measure() -> Iterator[Meter]:
    """Measure the body of a ``with``; meters may be nested."""
    meter = Meter()
    token = _open_meters.set((*_open_meters.get(), meter))
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    try:
        yield meter
    finally:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            meter.peak_memory = torch.cuda.max_memory_allocated()
        meter.seconds = time.perf_counter() - start - meter.paused
        _open_meters.reset(token)


@contextmanager
def paused() -> Iterator[Meter]:
    """What happens in the ``with`` counts in no open meter; gives a meter of its own."""
    meters = _open_meters.get()
    token = _open_meters.set(())
    try:
        with measure() as pause:
            yield pause
    finally:
        _open_meters.reset(token)
        for meter in meters:
            meter.paused += pause.seconds


def count_passes(kind: str, *, forward: int = 0, backward: int = 0) -> None:
    """Tell the open meters that this many samples of a kind went forward and backward."""
    for meter in _open_meters.get():
        if forward:
            meter.passes[f"{kind}_forward"] += forward
        if backward:
            meter.passes[f"{kind}_backward"] += backward

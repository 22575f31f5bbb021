"""Costs: passes and seconds count in every open meter, unless paused."""

import time

import pytest

from kit.runtime.cost import count_passes, measure, paused


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told how long something took."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_nested_meters_both_count(clock):
    with measure() as outer:
        clock(1)
        count_passes("retain", forward=3)
        with measure() as inner:
            clock(2)
            count_passes("retain", forward=4, backward=5)
    count_passes("retain", forward=100)
    assert outer.passes == {"retain_forward": 7, "retain_backward": 5} and outer.seconds == 3
    assert inner.passes == {"retain_forward": 4, "retain_backward": 5} and inner.seconds == 2


def test_what_is_paused_counts_in_its_own_meter_alone(clock):
    with measure() as meter:
        clock(1)
        with paused() as pause:
            clock(10)
            count_passes("test", forward=9)
        clock(2)
    assert meter.seconds == 3 and not meter.passes
    assert pause.seconds == 10 and pause.passes == {"test_forward": 9}

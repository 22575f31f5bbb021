"""``tools/watch.py``: which chapters run, and how long the rest takes."""

import pytest
import watch
from watch import Watch, duration, expected


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])
    return now


def test_the_time_left_follows_the_pace(clock):
    one = Watch(["a", "b", "c"], {"a": 10, "b": 20, "c": 40}, jobs=1)
    one.started("a")
    assert one.left() == 70
    clock[0] = 20.0  # twice as long as before
    one.finished("a")
    assert one.left() == 120
    one.started("b")
    clock[0] += 30
    assert one.left() == 90
    assert one.line() == "1 of 3 chapters; running b; about 90 s left".replace("90 s", "2 min")


def test_two_at_a_time_share_the_rest_but_the_longest_decides(clock):
    two = Watch(["a", "b", "c"], {"a": 10, "b": 100, "c": 10}, jobs=2)
    two.started("a")
    assert two.left() == 60
    two.started("b")
    assert two.left() == 100


def test_one_that_was_never_run_counts_as_the_middle_one(clock):
    assert Watch(["new"], {"a": 1, "b": 7, "c": 100}).left() == 7
    assert Watch(["new"], {}).left() == 30


def test_a_log_has_a_line_for_each_finished_chapter(clock, capsys):
    with Watch(["a", "b"], {"a": 3, "b": 3}) as one:
        one.started("a")
        clock[0] = 4.0
        one.finished("a", failed=True)
    assert capsys.readouterr().err == "a FAILED after 4 s. 1 of 2 chapters\n"


def test_durations():
    assert [duration(s) for s in (0, 89, 90, 600)] == ["0 s", "89 s", "2 min", "10 min"]


def test_every_kept_chapter_says_how_long_it_took():
    assert expected() and all(seconds > 0 for seconds in expected().values())

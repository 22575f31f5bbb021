"""Pixels in a file: written once, block by block, by whoever comes first; checked by the others."""

import json
import multiprocessing
import signal
import subprocess
import sys
import time
import tracemalloc
import warnings

import numpy as np
import pytest
import torch

from kit.datasets import store
from kit.datasets.pictures import Broken
from kit.datasets.store import Pictures, place

SHAPE = (3, 4, 4)
EXPECTED = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (20, *SHAPE), np.uint8))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch, cached):
    monkeypatch.setattr(store, "BLOCK", 4 * 48)  # bytes: four pictures a block, five blocks


def pictures(folder, fail_at=None, broken=(), error=RuntimeError, threads=1):
    """Twenty pictures, and the list of those that were read."""
    seen = []

    def read(at):
        if at == fail_at:
            raise error("the power is gone")
        seen.append(at)
        if at in broken:
            raise Broken(f"picture {at} cannot be read")
        return EXPECTED[at]

    return Pictures(folder, 20, SHAPE, read, threads), seen


@pytest.mark.parametrize("threads", [1, 3])
def test_written_once_and_read_by_the_next(tmp_path, threads):
    made, seen = pictures(tmp_path / "a", threads=threads)
    assert made.made() == list(range(20)) and sorted(seen) == list(range(20))
    assert torch.equal(made.part(0, 20), EXPECTED) and torch.equal(made.part(5, 7), EXPECTED[5:12])
    again, seen = pictures(tmp_path / "a")
    assert again.made() == list(range(20)) and not seen


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("at", [0, 3, 4, 13, 19])
def test_stopped_in_the_middle_the_next_one_reads_the_rest(tmp_path, at, error):
    with pytest.raises(error):
        pictures(tmp_path / "a", fail_at=at, error=error)[0].made()
    made, seen = pictures(tmp_path / "a")
    assert made.made() == list(range(20))
    assert seen == list(range(at // 4 * 4, 20))  # from the first unfinished block on
    assert torch.equal(made.part(0, 20), EXPECTED)


def test_a_line_of_the_journal_that_was_cut_short_says_nothing(tmp_path):
    pictures(tmp_path / "a")[0].made()
    journal = tmp_path / "a" / "journal"
    journal.write_bytes(journal.read_bytes()[:-9])
    made, seen = pictures(tmp_path / "a")
    assert made.made() == list(range(20)) and seen == [16, 17, 18, 19]
    lines = journal.read_bytes().splitlines()
    journal.write_bytes(b"\n".join([lines[0].replace(b'"kept": 4', b'"kept": 3'), *lines[1:]]))
    made, seen = pictures(tmp_path / "a")
    assert made.made() == list(range(20)) and seen == [0, 1, 2, 3]
    assert torch.equal(made.part(0, 20), EXPECTED)


def test_a_damaged_byte_is_found_and_mended(tmp_path):
    made, _ = pictures(tmp_path / "a")
    made.made()
    (tmp_path / "a" / "fact-0.json").write_text("1")
    values = bytearray(made.file.read_bytes())
    values[5 * 48 + 7] ^= 1  # of picture 5
    made.file.write_bytes(values)
    made, seen = pictures(tmp_path / "a")
    with pytest.warns(UserWarning, match="1 of 5 blocks are damaged; reading their pictures again"):
        made.made()
    assert seen == [4, 5, 6, 7] and torch.equal(made.part(0, 20), EXPECTED)
    assert not (tmp_path / "a" / "fact-0.json").exists()  # it may have followed from the damage


def test_a_file_that_was_cut_short_is_mended(tmp_path):
    made, _ = pictures(tmp_path / "a")
    made.made()
    made.file.write_bytes(made.file.read_bytes()[:-1])
    with pytest.raises(ValueError, match="pixels is gone or cut short: load the data set again"):
        made.part(0, 20)
    made, seen = pictures(tmp_path / "a")
    with pytest.warns(UserWarning, match="1 of 5 blocks"):
        made.made()
    assert seen == [16, 17, 18, 19] and torch.equal(made.part(0, 20), EXPECTED)


def test_broken_pictures_leave_no_hole(tmp_path):
    broken = (2, 4, 5, 6, 7, 19)  # a whole block among them
    good = [at for at in range(20) if at not in broken]
    made, _ = pictures(tmp_path / "a", broken=broken)
    with pytest.raises(ValueError, match=r"6 of 20 files are broken:\n  picture 2 cannot be read"):
        made.made()
    for _ in range(2):  # what was read before the error is still good
        made, seen = pictures(tmp_path / "a", broken=broken)
        with pytest.warns(UserWarning, match="left out 6 of 20 files are broken"):
            assert made.made("skip") == good
        assert not seen and torch.equal(made.part(0, 14), EXPECTED[good])
    made, _ = pictures(tmp_path / "b", broken=range(20))
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="none of the 20 files"):
        made.made("skip")


def test_a_disk_that_failed_once_is_asked_again(tmp_path):
    with pytest.warns(UserWarning, match="left out 2 of 20"):
        pictures(tmp_path / "a", broken=(1, 9))[0].made("skip")
    made, seen = pictures(tmp_path / "a")  # pictures 1 and 9 move all that follow
    assert made.made() == list(range(20)) and set(seen) >= {0, 1, 2, 3, 8, 9, 10, 11}
    assert torch.equal(made.part(0, 20), EXPECTED)
    again, seen = pictures(tmp_path / "a")
    assert again.made() == list(range(20)) and not seen


def test_blocks_that_moved_are_written_again_after_a_kill_in_between(tmp_path):
    """The first block shrank; what stands behind it was not moved yet."""
    made, _ = pictures(tmp_path / "a")
    made.made()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pictures(tmp_path / "b", broken=(0,))[0].made("skip")
    line = (tmp_path / "b" / "journal").read_bytes().splitlines(keepends=True)[0]
    with (tmp_path / "a" / "journal").open("ab") as journal, made.file.open("r+b") as file:
        journal.write(line)
        file.write(EXPECTED[1:4].numpy().tobytes())
    made, _ = pictures(tmp_path / "a", broken=(0,))
    with pytest.warns(UserWarning, match="left out 1 of 20"):
        assert made.made("skip") == list(range(1, 20))
    assert torch.equal(made.part(0, 19), EXPECTED[1:])


def _load(folder, queue):
    def slowly(at):
        time.sleep(0.01)
        queue.put(at)
        return EXPECTED[at]

    made = Pictures(folder, 20, SHAPE, slowly, 1)
    made.made()
    assert torch.equal(made.part(0, 20), EXPECTED)


def test_of_two_processes_one_waits_and_reads_what_the_other_wrote(tmp_path):
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    both = [fork.Process(target=_load, args=(tmp_path / "a", queue)) for _ in range(2)]
    for process in both:
        process.start()
    read = [queue.get(timeout=30) for _ in range(20)]
    for process in both:
        process.join(30)
    assert [process.exitcode for process in both] == [0, 0]
    assert sorted(read) == list(range(20)) and queue.empty()


KILLED = """
import os, signal, sys, torch
from kit.datasets import store
store.BLOCK = 4 * 48
def read(at):
    if at == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return torch.full((3, 4, 4), at, dtype=torch.uint8)
store.Pictures(store.Path(sys.argv[1]), 20, (3, 4, 4), read, 1).made()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_killed_by_the_system(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    seen = []

    def read(at):
        seen.append(at)
        return torch.full(SHAPE, at, dtype=torch.uint8)

    made = Pictures(tmp_path / "a", 20, SHAPE, read, 1)
    assert made.made() == list(range(20)) and seen == list(range(12, 20))
    assert made.part(0, 20)[:, 0, 0, 0].tolist() == list(range(20))


def test_the_memory_holds_a_block_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BLOCK", 2**20)
    shape, count = (3, 128, 128), 1500  # 74 MB of pixels

    def read(at):
        return torch.from_numpy(np.full(shape, at % 256, np.uint8))

    tracemalloc.start()
    Pictures(tmp_path / "a", count, shape, read, 2).made()
    Pictures(tmp_path / "a", count, shape, read, 2).made()  # which checks them
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6  # bytes


def test_no_space_is_told_beforehand(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(store.shutil, "disk_usage", lambda folder: usage)
    made, seen = pictures(tmp_path / "a")
    with pytest.raises(OSError, match="no space is left in .* KIT_CACHE names another folder"):
        made.made()
    assert not seen


def test_settings_name_the_folder(cached, monkeypatch):
    names = {place("a", 1), place("a", 2), place("b", 1)}
    assert len(names) == 3 and place("a", 1) in names
    assert all(folder.parent == cached / "pictures" for folder in names)
    monkeypatch.setattr(store.PIL, "__version__", "0")  # which may decode otherwise
    assert place("a", 1) not in names


def test_the_journal_is_text(tmp_path):
    pictures(tmp_path / "a")[0].made()
    lines = (tmp_path / "a" / "journal").read_text().splitlines()
    told = [json.loads(line.rpartition(" ")[0]) for line in lines]
    assert [(block["number"], block["start"], block["kept"]) for block in told] == [
        (k, 4 * k, 4) for k in range(5)
    ]


def test_the_folder_is_found_from_anywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIT_CACHE", "here")
    assert place("a").parent == tmp_path / "here" / "pictures"

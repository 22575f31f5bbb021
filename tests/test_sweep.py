"""Sweeps: every run once, whatever happens and wherever it runs; tuning by one criterion."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

import kit
from kit.__main__ import main
from kit.experiments import results, tuning
from kit.experiments.sweep import Sweep
from kit.methods import Needs, registry
from kit.methods.registry import register
from kit.training import constant_rate
from tests.conftest import toy_data

RECIPE = kit.Recipe(epochs=2, batch_size=32, lr=0.1, bf16=False)
ARMS = ["logit_mask", {"method": "finetune", "epochs": 1}, {"method": "ssd", "alpha": 2.0}]
SMALL = {"model": {"name": "resnet8", "width": 4}, "recipe": RECIPE, "audits": "fast"}
LOCAL = ("seconds", "date", "command", "commit")  # what may differ between two equal runs


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path / "models"))
    return tmp_path / "records"


@pytest.fixture
def one_thread():
    """Workers get a core each; the sums of two threads differ in the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def contents(root: Path) -> dict[str, dict]:
    records = {file.stem: json.loads(file.read_text()) for file in root.glob("*.json")}
    for record in records.values():
        for key in LOCAL:
            record.pop(key)
        record.pop("device")
    return records


def test_every_method_and_seed_once(task, cached):
    done = kit.sweep(task, ARMS, seeds=2, name="toy", root=cached, **SMALL)
    assert not done.failures and len(done.records) == 2 * 5
    assert set(done.records["method"]) == {"retrain", "original", "logit_mask", "finetune", "ssd"}
    assert set(done.records["seed"]) == {0, 1}
    before = {f: f.stat().st_mtime_ns for f in cached.glob("*.json")}
    again = kit.sweep(task, ARMS, seeds=[0, 1], name="toy", root=cached, **SMALL)
    assert len(again.records) == 10
    assert {f: f.stat().st_mtime_ns for f in cached.glob("*.json")} == before


def test_all_means_all_that_serve_the_task(task, data):
    from kit.experiments.sweep import _arms

    names = [arm["method"] for arm in _arms("all", task)]
    assert "boundary_shrink" in names and "mixed_privacy" not in names
    single = [a["method"] for a in _arms("all", kit.tasks.forget_samples(data, [1, 2]))]
    assert "scrub" in single and "boundary_shrink" not in single


def test_a_failure_is_reported_and_tried_again(task, cached):
    wild = [{"method": "finetune", "lr": 1e12, "epochs": 3}, "logit_mask"]
    done = kit.sweep(task, wild, seeds=1, name="toy", root=cached, **SMALL)
    ((name, what),) = done.failures.items()
    assert "finetune" in name and "FloatingPointError" in what
    assert set(done.records["method"]) == {"retrain", "original", "logit_mask"}
    assert kit.sweep(task, wild, seeds=1, name="toy", root=cached, **SMALL).failures


def sweep_in_child(records: str, models: str, backend: str):
    os.environ["KIT_CACHE"] = models
    os.environ["KIT_PROGRESS"] = "0"
    torch.set_num_threads(1)
    task = kit.tasks.forget_classes(toy_data(), [1])
    kit.sweep(task, ARMS, seeds=2, name="toy", root=Path(records), backend=backend, workers=2,
              **SMALL)  # fmt: skip


def test_a_killed_sweep_repeats_nothing_and_loses_nothing(task, cached, tmp_path, one_thread):
    arguments = (str(cached), str(tmp_path / "models"), "serial")
    child = multiprocessing.get_context("spawn").Process(target=sweep_in_child, args=arguments)
    child.start()
    while len(list(cached.glob("*.json"))) < 3:
        time.sleep(0.02)
        assert child.is_alive(), "the sweep ended before it could be killed"
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    kept = {f: f.stat().st_mtime_ns for f in cached.glob("*.json")}
    assert 3 <= len(kept) < 10
    kit.sweep(task, ARMS, seeds=2, name="toy", root=cached, **SMALL)
    assert {f: f.stat().st_mtime_ns for f in kept} == kept
    whole = tmp_path / "whole"
    kit.sweep(task, ARMS, seeds=2, name="toy", root=whole, **SMALL)
    assert contents(cached) == contents(whole)


@pytest.fixture
def serial(task, cached, tmp_path, one_thread):
    root = tmp_path / "serial"
    kit.sweep(task, ARMS, seeds=2, name="toy", root=root, **SMALL)
    return contents(root)


def spread(task, root, backend):
    done = kit.sweep(task, ARMS, seeds=2, name="toy", root=root, backend=backend, workers=2,
                     **SMALL)  # fmt: skip
    assert not done.failures, done.failures
    return contents(root)


def test_processes_give_the_same_records(task, cached, serial):
    if (os.cpu_count() or 1) // 2 > 1:
        pytest.skip("two workers have several threads each here: other sums in the last bit")
    assert spread(task, cached, "loky") == serial


def test_a_dask_cluster_gives_the_same_records(task, cached, serial):
    dask = pytest.importorskip("dask.distributed", reason="the extra [scale] is not installed")
    with pytest.raises(ValueError, match="needs a cluster"):
        kit.sweep(task, ARMS, seeds=1, root=cached, backend="dask", **SMALL)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with dask.LocalCluster(**options) as cluster, dask.Client(cluster):
        assert spread(task, cached, "dask") == serial


def test_a_ray_cluster_gives_the_same_records(task, cached, serial, monkeypatch):
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else a busy machine starves the workers
    ray = pytest.importorskip("ray", reason="the extra [scale] is not installed")
    with pytest.raises(ValueError, match="needs a cluster"):
        kit.sweep(task, ARMS, seeds=1, root=cached, backend="ray", **SMALL)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert spread(task, cached, "ray") == serial
    finally:
        ray.shutdown()


def test_refuses_what_it_cannot_run(task, cached):
    with pytest.raises(ValueError, match="unknown method 'unsri'"):
        kit.sweep(task, ["unsri"], root=cached)
    with pytest.raises(ValueError, match="has no setting"):
        kit.sweep(task, [{"method": "unsir", "speed": 3}], root=cached)
    with pytest.raises(ValueError, match="at least one seed"):
        kit.sweep(task, ["unsir"], seeds=0, root=cached)
    with pytest.raises(ValueError, match="unknown backend 'spark'"):
        kit.sweep(task, ["logit_mask"], seeds=1, root=cached, backend="spark", **SMALL)


def test_a_collapsed_run_is_flagged(task, cached):
    arms = [{"method": "finetune", "lr": 2.0, "epochs": 1}, "logit_mask"]
    done = kit.sweep(task, arms, seeds=1, name="toy", root=cached, **SMALL)
    ruined = done.records.set_index("method").loc["finetune"]
    assert ruined["retain_accuracy"] < 0.8 and ruined["collapsed"] == 1
    table = results.summary(done.records, ["method"], ["retain_accuracy"])
    assert table["collapsed"].to_dict() == {
        "retrain": 0, "original": 0, "finetune": 1, "logit_mask": 0,
    }  # fmt: skip


def test_a_new_method_is_one_file_and_appears(task, cached, tmp_path, monkeypatch):
    """What a file in kit/methods does when it is imported; the comparison asks for all methods."""
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))

    @register("toy", level=("class",), needs=Needs(retain="all"), paper="",
              config=kit.methods.get("finetune").config)  # fmt: skip
    def toy(model, view, config, seed):
        """Fine-tune, and no more."""
        kit.fit(model, view.retain, constant_rate(1, 0.05, 32), seed=seed)
        return {}

    monkeypatch.setattr(registry, "names", lambda level=None: ["toy", "logit_mask"])
    monkeypatch.setattr(kit.methods, "names", registry.names)
    done = kit.sweep(task, "all", seeds=1, name="toy", root=cached, **SMALL)
    assert "toy" in set(done.records["method"]) and not done.failures
    assert kit.plots.style("toy")["marker"]


def test_doing_nothing_is_caught_by_the_contracts(task, original, monkeypatch):
    """``identity``: a method that changes no weight fails what every method must pass."""
    from tests import test_contracts

    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    register("identity", level=("class",), needs=Needs(), paper="",
             config=kit.methods.get("logit_mask").config)(lambda *arguments: {})  # fmt: skip
    done = kit.unlearn("identity", original, task)
    with pytest.raises(AssertionError, match="changed no parameter"):
        test_contracts.test_moves_weights(
            "identity", lambda name: (done, {}), lambda name: original
        )
    with pytest.raises(AssertionError):
        test_contracts.test_does_its_job("identity", lambda name: (done, {}), task)


# --- tuning


def test_trials_are_as_many_for_every_method():
    arm = {"method": "ssd"}
    drawn = tuning.trials(arm, 8)
    assert len(drawn) == 8 and drawn == tuning.trials(arm, 8)
    assert len({json.dumps(d, sort_keys=True) for d in drawn}) == 8
    assert tuning.trials(arm, 0) == [arm]
    assert tuning.trials({"method": "original"}, 8) == [{"method": "original"}]
    assert tuning.trials({"method": "logit_mask"}, 8) == [{"method": "logit_mask"}]
    for name in kit.methods.names("class"):
        for trial in tuning.trials({"method": name}, 8):
            kit.methods.get(name).configure(**{k: v for k, v in trial.items() if k != "method"})


def test_the_smallest_gap_wins_among_those_that_stand():
    records = pd.DataFrame(
        {"method": ["ssd"] * 3, "collapsed": [0.0, 0.0, 1.0], "average_gap": [0.2, 0.1, 0.0],
         "config.alpha": [2.0, 3.0, 5.0], "config.dampening": [0.1, 1.0, 1.0]}
    )  # fmt: skip
    assert tuning.best(records) == {"ssd": {"alpha": 3, "dampening": 1}}
    records["collapsed"] = 1.0
    assert tuning.best(records)["ssd"]["alpha"] == 5


def test_defaults_are_what_the_tuning_found():
    """Of the alternatives; the five papers' methods have defaults from their own chapters."""
    own = {"unsir", "erwp", "class_pruning", "finetune"}
    found = tuning.best(results.read("tuning"))
    for name in set(found) - own:
        default = vars(kit.methods.get(name).config())
        assert {key: default[key] for key in found[name]} == found[name], name


def test_held_out_images_are_training_images(data):
    held = data.held_out(0.25)
    assert held.name == "toy-held-out" and held.num_classes == data.num_classes
    assert held.test_y.bincount().tolist() == [15] * 4 and len(held.train_y) == 180
    known = {x.numpy().tobytes() for x in data.train_x}
    ours, theirs = ({x.numpy().tobytes() for x in part} for part in (held.train_x, held.test_x))
    assert ours | theirs == known and not ours & theirs
    with pytest.raises(ValueError, match="leaves no image"):
        data.held_out(0.0)


def test_a_thinned_set_keeps_its_test_images(data):
    thin = data.thinned(0.25)
    assert thin.name == "toy-60" and thin.train_y.bincount().tolist() == [15] * 4
    assert torch.equal(thin.test_x, data.test_x)
    known = {x.numpy().tobytes() for x in data.train_x}
    assert {x.numpy().tobytes() for x in thin.train_x} <= known
    for wrong in (0.0, 1.5, 1e-9):
        with pytest.raises(ValueError, match="between 0 and 1|no training images"):
            data.thinned(wrong)


# --- the command line


def test_the_command_sweeps(cached, monkeypatch, capsys):
    monkeypatch.setattr(kit.datasets, "load", lambda *a, **k: toy_data())
    command = ["sweep", "--task", "class:1", "--methods", "logit_mask", "--seeds", "1", "--audits",
               "fast", "--model", "lenet", "--records", str(cached)]  # fmt: skip
    assert main(command) == 0
    assert "logit_mask" in capsys.readouterr().out and len(list(cached.glob("*.json"))) == 3


def test_the_command_lists_what_failed(monkeypatch, capsys):
    failed = Sweep(pd.DataFrame(), {"toy_scrub": "FloatingPointError: diverged"})
    monkeypatch.setattr("kit.__main__.sweep", lambda *a, **k: failed)
    monkeypatch.setattr(kit.datasets, "load", lambda *a, **k: toy_data())
    assert main(["sweep", "--task", "class:1"]) == 3
    assert "1 runs failed, the others are kept:\n  toy_scrub" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--task", "class"], "write class:3"),
        (["--task", "class:77"], "do not exist"),
        (["--task", "class:3", "--methods", "unsri"], "unknown method 'unsri'"),
        (["--task", "class:3", "--dataset", "mnist"], "unknown data set"),
        (["--task", "class:3", "--seeds", "0"], "at least one seed"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, message, capsys):
    assert main(["sweep", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_a_lone_seed_has_a_reference(task, cached):
    settings = SMALL | {"audits": "gap"}
    done = kit.sweep(task, ["logit_mask"], seeds=1, name="toy", root=cached, **settings)
    assert not done.failures and (done.records["average_gap"] >= 0).all()

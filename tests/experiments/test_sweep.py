"""Sweeps: every run once, whatever happens and wherever it runs."""

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import kit
from kit.datasets.toy import toy_data
from kit.experiments import results
from kit.methods import Needs, registry
from kit.methods.registry import register
from kit.training import constant_rate

RECIPE = kit.Recipe(epochs=2, batch_size=32, lr=0.1, bf16=False)


ARMS = ["logit_mask", {"method": "finetune", "epochs": 1}, {"method": "ssd", "alpha": 2.0}]


SMALL = {"model": {"name": "resnet8", "width": 4}, "recipe": RECIPE, "audits": "fast"}


LOCAL = ("seconds", "date", "command", "commit")  # what may differ between two equal runs


@pytest.fixture
def records(cached, tmp_path):
    """The folder of a sweep's records."""
    return tmp_path / "records"


def contents(root: Path) -> dict[str, dict]:
    found = {file.stem: json.loads(file.read_text()) for file in root.glob("*.json")}
    for record in found.values():
        for key in LOCAL:
            record.pop(key)
        record.pop("device")
    return found


def test_every_method_and_seed_once(task, records):
    done = kit.sweep(task, ARMS, seeds=2, name="toy", root=records, **SMALL)
    assert not done.failures and len(done.records) == 2 * 5
    assert set(done.records["method"]) == {"retrain", "original", "logit_mask", "finetune", "ssd"}
    assert set(done.records["seed"]) == {0, 1}
    before = {f: f.stat().st_mtime_ns for f in records.glob("*.json")}
    again = kit.sweep(task, ARMS, seeds=[0, 1], name="toy", root=records, **SMALL)
    assert len(again.records) == 10
    assert {f: f.stat().st_mtime_ns for f in records.glob("*.json")} == before


def test_all_means_all_that_serve_the_task(task, data):
    from kit.experiments.sweep import _arms

    names = [arm["method"] for arm in _arms("all", task)]
    assert "boundary_shrink" in names and "mixed_privacy" not in names
    single = [a["method"] for a in _arms("all", kit.tasks.forget_samples(data, [1, 2]))]
    assert "scrub" in single and "boundary_shrink" not in single


def test_a_failure_is_reported_and_tried_again(task, records):
    wild = [{"method": "finetune", "lr": 1e12, "epochs": 3}, "logit_mask"]
    done = kit.sweep(task, wild, seeds=1, name="toy", root=records, **SMALL)
    ((name, what),) = done.failures.items()
    assert "finetune" in name and "FloatingPointError" in what
    assert set(done.records["method"]) == {"retrain", "original", "logit_mask"}
    assert kit.sweep(task, wild, seeds=1, name="toy", root=records, **SMALL).failures


def sweep_in_child(records: str, models: str, backend: str):
    os.environ["KIT_CACHE"] = models
    os.environ["KIT_PROGRESS"] = "0"
    torch.set_num_threads(1)
    task = kit.tasks.forget_classes(toy_data(), [1])
    kit.sweep(task, ARMS, seeds=2, name="toy", root=Path(records), backend=backend, workers=2,
              **SMALL)  # fmt: skip


@pytest.mark.slow
def test_a_killed_sweep_repeats_nothing_and_loses_nothing(task, records, tmp_path, one_thread):
    arguments = (str(records), str(tmp_path / "models"), "serial")
    child = multiprocessing.get_context("spawn").Process(target=sweep_in_child, args=arguments)
    child.start()
    while len(list(records.glob("*.json"))) < 3:
        time.sleep(0.02)
        assert child.is_alive(), "the sweep ended before it could be killed"
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    kept = {f: f.stat().st_mtime_ns for f in records.glob("*.json")}
    assert 3 <= len(kept) < 10
    kit.sweep(task, ARMS, seeds=2, name="toy", root=records, **SMALL)
    assert {f: f.stat().st_mtime_ns for f in kept} == kept
    whole = tmp_path / "whole"
    kit.sweep(task, ARMS, seeds=2, name="toy", root=whole, **SMALL)
    assert contents(records) == contents(whole)


@pytest.fixture
def serial(task, records, tmp_path, one_thread):
    root = tmp_path / "serial"
    kit.sweep(task, ARMS, seeds=2, name="toy", root=root, **SMALL)
    return contents(root)


def spread(task, root, backend):
    done = kit.sweep(task, ARMS, seeds=2, name="toy", root=root, backend=backend, workers=2,
                     **SMALL)  # fmt: skip
    assert not done.failures, done.failures
    return contents(root)


@pytest.mark.cluster
def test_processes_give_the_same_records(task, records, serial):
    if (os.cpu_count() or 1) // 2 > 1:
        pytest.skip("two workers have several threads each here: other sums in the last bit")
    assert spread(task, records, "loky") == serial


@pytest.mark.cluster
def test_a_dask_cluster_gives_the_same_records(task, records, serial, dask_cluster):
    from dask.distributed import Client

    with pytest.raises(ValueError, match="needs a cluster"):
        kit.sweep(task, ARMS, seeds=1, root=records, backend="dask", **SMALL)
    with Client(dask_cluster):
        assert spread(task, records, "dask") == serial


@pytest.mark.cluster
def test_a_ray_cluster_gives_the_same_records(task, records, serial, ray_cluster):
    import ray

    with pytest.raises(ValueError, match="needs a cluster"):
        kit.sweep(task, ARMS, seeds=1, root=records, backend="ray", **SMALL)
    ray.init(ray_cluster, log_to_driver=False)
    try:
        assert spread(task, records, "ray") == serial
    finally:
        ray.shutdown()


def test_other_images_of_the_same_number_have_records_of_their_own(data, records):
    settings = SMALL | {"name": "toy", "seeds": 1, "root": records}
    first, second = (kit.tasks.forget_samples(data, rows) for rows in ([0, 61], [2, 63]))
    assert second.name == first.name
    one, other = (kit.sweep(task, [], **settings).records for task in (first, second))
    assert not set(one["id"]) & set(other["id"])
    assert set(one["task"]) == {f"sample:2~{first.fingerprint[:8]}"}
    assert kit.sweep(first, [], **settings).records.equals(one)  # none is run again


def test_a_network_of_ones_own(task, records):
    def make():
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)
        )

    settings = SMALL | {"name": "toy", "seeds": 2, "root": records}
    model = kit.models.wrap(make, task)
    done = kit.sweep(task, ["logit_mask"], **settings | {"model": model})
    assert not done.failures and len(done.records) == 6
    (name,) = set(done.records["model"])
    assert name == model.name and name.startswith("Sequential-")
    weights = done.records.groupby("seed")["retain_accuracy"].first()
    assert len(weights) == 2
    wider = kit.models.wrap(lambda: nn.Sequential(*make()[:4], nn.Linear(4, 4, bias=False)), task)
    assert wider.name != model.name
    net = make()
    with pytest.raises(ValueError, match="same weights each time"):
        kit.sweep(task, [], **settings | {"model": kit.models.wrap(lambda: net, task)})
    with pytest.raises(ValueError, match="or wrap your own: kit.models.wrap"):
        kit.sweep(task, [], **settings | {"model": net})


@pytest.mark.parametrize(
    "methods, model, sentence",
    [
        (["mixed_privacy"], "", "mixed_privacy works on a MixedLinear: run it by itself"),
        (["concept_erasure"], "", "concept_erasure does not serve class forgetting"),
        ([], "resnet9", "unknown model 'resnet9'"),
        ([], {"name": "resnet8", "wide": 3}, "does not take"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_does(task, records, methods, model, sentence):
    with pytest.raises(ValueError, match=sentence):
        kit.sweep(task, methods, seeds=1, root=records, **SMALL | {"model": model})
    assert not list(records.glob("*"))


@pytest.mark.parametrize(
    "change, what",
    [
        ({"recipe": replace(RECIPE, lr=0.05)}, "recipe"),
        ({"model": {"name": "resnet8", "width": 8}}, "network"),
        ({"audits": "gap"}, "audits"),
    ],
)
def test_nor_does_another_sweep(task, records, change, what):
    settings = SMALL | {"name": "toy", "seeds": 1, "root": records}
    kit.sweep(task, [], **settings)
    with pytest.raises(ValueError, match=f"with another {what}: "):
        kit.sweep(task, [], **settings | change)


def test_nor_do_other_images_of_the_same_name(data, records):
    settings = SMALL | {"name": "toy", "seeds": 1, "root": records}
    kit.sweep(kit.tasks.forget_classes(data, [1]), [], **settings)
    x = data.train_x.clone()
    x[0] = 255 - x[0]
    other = kit.tasks.forget_classes(replace(data, train_x=x), [1])
    with pytest.raises(ValueError, match="with another data and request: "):
        kit.sweep(other, [], **settings)


def test_requests_of_other_names_share_a_sweep_s_name(data, records):
    settings = SMALL | {"name": "toy", "seeds": 1, "root": records}
    tables = [
        kit.sweep(kit.tasks.forget_classes(data, [c]), [], **settings).records for c in (1, 2)
    ]
    assert [set(table["task"]) for table in tables] == [{"class:1"}, {"class:2"}]


def test_refuses_what_it_cannot_run(task, records):
    with pytest.raises(ValueError, match="unknown method 'unsri'"):
        kit.sweep(task, ["unsri"], root=records)
    with pytest.raises(ValueError, match="has no setting"):
        kit.sweep(task, [{"method": "unsir", "speed": 3}], root=records)
    with pytest.raises(ValueError, match="at least one seed"):
        kit.sweep(task, ["unsir"], seeds=0, root=records)
    with pytest.raises(ValueError, match="unknown backend 'spark'"):
        kit.sweep(task, ["logit_mask"], seeds=1, root=records, backend="spark", **SMALL)


def test_a_collapsed_run_is_flagged(task, records):
    arms = [{"method": "finetune", "lr": 2.0, "epochs": 1}, "logit_mask"]
    done = kit.sweep(task, arms, seeds=1, name="toy", root=records, **SMALL)
    ruined = done.records.set_index("method").loc["finetune"]
    assert ruined["retain_accuracy"] < 0.8 and ruined["collapsed"] == 1
    table = results.summary(done.records, ["method"], ["retain_accuracy"])
    assert table["collapsed"].to_dict() == {
        "retrain": 0, "original": 0, "finetune": 1, "logit_mask": 0,
    }  # fmt: skip


def test_a_new_method_is_one_file_and_appears(task, records, tmp_path, monkeypatch):
    """What a file in kit/methods does when it is imported; the comparison asks for all methods."""
    few = {name: kit.methods.get(name) for name in ("logit_mask", "retrain")}
    monkeypatch.setattr(registry, "_METHODS", few)

    @register("toy", level=("class",), needs=Needs(retain="all"), paper="",
              config=few["logit_mask"].config)  # fmt: skip
    def toy(model, view, config, seed):
        """Fine-tune, and no more."""
        kit.fit(model, view.retain, constant_rate(1, 0.05, 32), seed=seed)
        return {}

    done = kit.sweep(task, "all", seeds=1, name="toy", root=records, **SMALL)
    assert "toy" in set(done.records["method"]) and not done.failures
    assert kit.plots.style("toy")["marker"]


def test_a_lone_seed_has_a_reference(task, records):
    settings = SMALL | {"audits": "gap"}
    done = kit.sweep(task, ["logit_mask"], seeds=1, name="toy", root=records, **settings)
    assert not done.failures and (done.records["average_gap"] >= 0).all()

"""Experiments with a core and a user."""

import copy
import dataclasses
from dataclasses import replace

import pytest
import torch

from kit.experiments import mixed, results
from kit.experiments import run as experiments
from kit.experiments.mixed import Setting, trial
from kit.methods.mixed_privacy import Config
from kit.methods.unlearn import Unlearned
from kit.parts.mixed_linear import MixedLinear, gaussian
from tests.conftest import TOY_RECIPE


@pytest.mark.slow
def test_mixed_experiments(experiment, tmp_path):
    arms = [
        {"method": "original", "layers": ["head"]},
        {"method": "retrain"},
        {"method": "mixed_privacy", "epochs": 1, "sigma": 0.1},
    ]
    asked = dataclasses.replace(
        experiment, forget=[[]], seeds=[0], arms=arms,
        mixed={"core": 100, "user": 80, "requests": 2, "request": 10, "path": True},
    )  # fmt: skip
    assert experiments.run(asked, tmp_path) == 3 and experiments.run(asked, tmp_path) == 0
    table = results.read("toy", tmp_path).set_index("method")
    assert set(table["task"]) == {"sample:20"}
    assert table.loc["original", "config.layers"] == ["head"]
    assert len(table.loc["mixed_privacy", "curves"]["distance"]) == 2
    assert table.loc["mixed_privacy", "backward"] == 2 * (70 + 60)  # two requests, a gradient and
    assert table.loc["retrain", "forget_l1_distance"] == 0  # an epoch each
    with pytest.raises(ValueError, match="no method 'unsir'"):
        experiments.run(dataclasses.replace(asked, arms=[{"method": "unsir"}]), tmp_path)


SETTING = Setting(
    core=120, user=100, requests=3, request=10, layers=("stage3", "head"), path=True, relearn=True
)


def run(data, method="mixed_privacy", config=None, setting=SETTING, classes=()):
    return trial(
        data, classes, method, config, setting, model="resnet8", recipe=TOY_RECIPE, width=4
    )


@pytest.mark.slow
def test_trial_honours_every_request(data):
    task, out, row, curves = run(data, config=Config(solver="cg", epochs=40, sigma=0.01))
    assert task.name == "sample:30" and len(task.train) == 100
    assert row["distance"] <= 0.5 * row["moved"] and len(curves["distance"]) == 3
    assert 0 <= row["oracle_nats"] <= row["certified_nats"]
    _, _, original, _ = run(data, "original")
    _, _, retrained, _ = run(data, "retrain")
    assert retrained["forget_l1_distance"] == 0 < original["forget_l1_distance"]
    assert original["relearn_time"] == 0 < retrained["relearn_time"]
    assert original["largest_sigma"] > 0 and out.seconds > 0


def test_noise_is_added_once_a_request(data, monkeypatch):
    """The method runs without noise, and the trial adds what its settings say."""
    asked = []

    def unchanged(method, network, task, *, seed, config):
        asked.append(config.sigma)
        return Unlearned(method, copy.deepcopy(network), config, seed)

    monkeypatch.setattr(mixed, "unlearn", unchanged)
    setting = Setting(core=120, user=100, requests=2, request=10, layers=("head",))
    original = run(data, "original", setting=setting)[1].model.user.detach()
    _, out, row, _ = run(data, config=Config(sigma=0.5), setting=setting)
    noise = 0.5 * (gaussian(original, 0) + gaussian(original, 1))
    assert asked == [0, 0] and torch.allclose(out.model.user, original + noise)
    assert row["oracle_nats"] == pytest.approx(row["distance"] ** 2 / (2 * 0.5**2))


@pytest.mark.slow
def test_trial_of_classes_and_of_networks(data):
    task, _, row, _ = run(data, config=Config(solver="cg", epochs=300), classes=(1,))
    assert task.name == "class:1" and row["distance"] <= 0.05 * row["moved"]
    network = Setting(core=120, user=100, requests=1, request=10, train="network", epochs=2)
    _, out, row, _ = run(data, "original", setting=network)
    assert not isinstance(out.model, MixedLinear) and row["test_error"] <= 0.2
    slow = replace(SETTING, train="sgd", epochs=3, path=False)
    _, _, row, _ = run(data, "retrain", setting=slow)
    assert row["forget_l1_distance"] > 0  # SGD stops short of the optimum


def test_trial_refuses(data):
    with pytest.raises(ValueError, match="leave nothing"):
        Setting(core=10, user=100, requests=10, request=10)
    with pytest.raises(ValueError, match="train must be one of cg, sgd, network"):
        Setting(core=10, user=100, requests=1, request=10, train="adam")
    with pytest.raises(ValueError, match="more than the 240 training images"):
        run(data, "original", setting=replace(SETTING, core=200))


def test_a_core_without_images_is_the_network_as_it_comes(data, original, cached):
    """By name with fresh weights, or a given network made anew; nothing of it is trained."""
    setting = Setting(core=0, user=100, requests=2, request=10, layers=("head",))
    row = run(data, "original", setting=setting)[2]
    assert row["core_error"] > 0.5
    _, out, _, _ = trial(data, (), "original", {}, setting, model=original, recipe=TOY_RECIPE)
    want = original.rebuild(0)
    assert torch.equal(out.model.core.head.weight, want.head.weight)

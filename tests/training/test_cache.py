"""Trained once, by whatever decides the weights, and loaded ever after."""

import dataclasses
import multiprocessing
import os

import pytest
import torch

import kit
from kit.datasets.toy import toy_data
from kit.training import cache
from kit.training.watch import watch
from tests.conftest import TOY_RECIPE

RECIPE = dataclasses.replace(TOY_RECIPE, epochs=1)


def test_trained_once(cached, task, monkeypatch):
    first = kit.trained("resnet8", task, recipe=RECIPE, width=4)
    monkeypatch.setattr(cache, "fit", lambda *a, **k: pytest.fail("trained again"))
    again = kit.trained("resnet8", task, recipe=RECIPE, width=4)
    for p, q in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(p, q)
    assert again.training_history.loss == first.training_history.loss
    assert again.training_cost["passes"] == {"train_forward": 240, "train_backward": 240}


@pytest.mark.parametrize("change", [{"seed": 1}, {"on": "retain"}, {"width": 8},
                                    {"recipe": dataclasses.replace(RECIPE, lr=0.05)}])  # fmt: skip
def test_all_that_decides_the_weights_is_in_the_key(cached, task, change):
    options = {"recipe": RECIPE, "width": 4}
    kit.trained("resnet8", task, **options)
    kit.trained("resnet8", task, **options | change)
    assert len(list(cached.glob("*.pt"))) == 2


def test_cached_equals_fit(cached, task):
    model = kit.models.build("resnet8", task, width=4, seed=3)
    kit.fit(model, task.retain, RECIPE, seed=3)
    stored = kit.trained("resnet8", task, on="retain", seed=3, recipe=RECIPE, width=4)
    for p, q in zip(model.parameters(), stored.parameters(), strict=True):
        assert torch.equal(p, q)


def test_the_gold_standard_shares_no_seed_with_its_original(cached, task):
    gold = cache.retrained("resnet8", task, seed=3, recipe=RECIPE, width=4)
    options = {"on": "retain", "recipe": RECIPE, "width": 4}
    same, other = (kit.trained("resnet8", task, seed=s, **options) for s in (1003, 3))
    assert torch.equal(gold.conv.weight, same.conv.weight)
    assert not torch.equal(gold.conv.weight, other.conv.weight)


def test_a_damaged_file_is_trained_again(cached, task):
    kit.trained("resnet8", task, recipe=RECIPE, width=4)
    (file,) = cached.glob("*.pt")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="damaged.*training again"):
        kit.trained("resnet8", task, recipe=RECIPE, width=4)


def train_in_child(folder):
    os.environ["KIT_CACHE"] = folder
    torch.set_num_threads(1)
    task = kit.tasks.forget_classes(toy_data(), [1])
    kit.trained("resnet8", task, recipe=RECIPE, width=4)


@pytest.mark.cluster
@pytest.mark.slow
def test_two_processes_train_it_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=train_in_child, args=(str(tmp_path),)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert len(list(tmp_path.glob("*.pt"))) == 1 and not list(tmp_path.glob("*.tmp"))


def test_trained_refuses(task):
    with pytest.raises(ValueError, match="on must be one of train, retain, clean"):
        kit.trained("resnet8", task, on="test")
    with pytest.raises(ValueError, match="no clean images"):
        kit.trained("resnet8", task, on="clean")


def test_a_model_that_nobody_watched_is_trained_again(cached, task):
    options = {"width": 4, "recipe": TOY_RECIPE}
    first = kit.trained("resnet8", task, **options)
    with watch(lambda model: {"seen": 1.0}):
        again = kit.trained("resnet8", task, **options)
    assert not first.training_history.looks and len(again.training_history.looks) == 6
    assert all(
        torch.equal(p, q) for p, q in zip(first.parameters(), again.parameters(), strict=True)
    )


def test_the_gold_standards_differ(feature_task, tmp_path, monkeypatch):
    """Three trainings on the same rows are three models in the cache."""
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    recipe = kit.Recipe(epochs=1, batch_size=64)
    states = [
        kit.trained("cnn", feature_task, on=on, recipe=recipe, width=4).state_dict()["head.weight"]
        for on in ("train", "retain", "clean")
    ]
    assert not torch.equal(states[0], states[1]) and not torch.equal(states[1], states[2])


def test_the_code_that_makes_maps_decides_what_is_trained_on_them(tmp_path):
    for text in ("one", "two"):
        (tmp_path / text / "training").mkdir(parents=True)
        (tmp_path / text / "training" / "below.py").write_text(text)
    assert cache.code(tmp_path / "one") != cache.code(tmp_path / "two")

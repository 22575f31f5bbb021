"""``run``: what is done is not done again."""

from dataclasses import asdict, replace

import pytest
import torch

import kit
from kit.datasets import Activations
from kit.experiments import results
from kit.experiments import run as experiments
from kit.experiments.run import network
from kit.training.augment import Augment


def test_an_experiment_resumes_and_repeats_nothing(experiment, tmp_path, monkeypatch):
    root = tmp_path / "records"
    done = []
    write = results.write

    def killed_after_five(record, folder):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(record["id"])
        return write(record, folder)

    monkeypatch.setattr(results, "write", killed_after_five)
    with pytest.raises(KeyboardInterrupt):
        experiments.run(experiment, root)
    monkeypatch.setattr(results, "write", write)
    assert experiments.run(experiment, root) == 16 - 5
    assert experiments.run(experiment, root) == 0
    table = results.read("toy", root)
    assert len(table) == 16 and set(table["task"]) == {"class:1", "class:0+2"}
    retrain = table[table["method"] == "retrain"]
    # The retrained model is judged against another draw, not against itself.
    assert (retrain["distance_reference"] > 0).all() and (retrain["seconds"] > 0).all()


@pytest.fixture
def pretrained(experiment, monkeypatch):
    """The toy network in the place of a pretrained one; which network was asked for, each time."""
    asked = []

    def toy(name, data, *, activation="relu", seed=0, **options):
        asked.append((name, activation, options))
        return kit.models.build("resnet8", data, width=4, seed=seed, activation=activation)

    monkeypatch.setattr("kit.experiments.run.pretrained", toy)
    model = {"name": "efficientnet_lite0", "above": "stage3", "size": 12}
    return replace(experiment, seeds=[0], forget=[[1]], model=model), asked


def test_a_pretrained_network_is_cut_once(pretrained, data, tmp_path):
    experiment, asked = pretrained
    seen, model = network(experiment, data)
    assert isinstance(seen, Activations) and asked == [("efficientnet_lite0", "relu", {"size": 12})]
    assert model.head.out_features == 4
    assert experiments.run(experiment, tmp_path) == 4
    table = results.read("toy", tmp_path)
    assert set(table["model"]) == {"efficientnet_lite0"} and set(table["dataset"]) == {"toy"}
    assert experiments.run(experiment, tmp_path) == 0


def test_maps_train_without_the_augmentation_of_the_profile(pretrained, tmp_path):
    experiment, _ = pretrained
    plain = replace(experiment, recipe={"epochs": 1}, arms=[{"method": "original"}])
    assert experiments.run(plain, tmp_path) == 1
    (file,) = tmp_path.glob("*.json")
    augment = results.load(file)["recipe"]["augment"]
    assert augment == asdict(Augment())


def test_leaky_above_the_cut_alone(pretrained, data):
    experiment, asked = pretrained
    leaky = replace(experiment, model=experiment.model | {"activation": "leaky_relu"})
    seen, model = network(leaky, data)
    assert asked[-1][1] == "relu"  # below it stays as it was trained
    assert "LeakyReLU" in [type(m).__name__ for m in model.modules()]
    assert torch.equal(seen.train_x, network(experiment, data)[0].train_x)


def test_another_layer_is_another_experiment(pretrained, tmp_path):
    experiment, _ = pretrained
    experiments.run(experiment, tmp_path)
    other = replace(experiment, model=experiment.model | {"above": "head"})
    with pytest.raises(ValueError, match="with another .*network"):
        experiments.run(other, tmp_path)


def test_a_pretrained_network_as_a_whole(pretrained, data):
    experiment, asked = pretrained
    whole = replace(experiment, model={"name": "efficientnet_lite0", "activation": "leaky_relu"})
    same, model = network(whole, data)
    assert same is data and asked[-1] == ("efficientnet_lite0", "leaky_relu", {})
    assert model.head.out_features == 4


def test_a_layer_that_is_not_there(pretrained, tmp_path):
    experiment, _ = pretrained
    wrong = replace(experiment, model=experiment.model | {"above": "nose"})
    with pytest.raises(ValueError, match="no layer is called 'nose'"):
        experiments.run(wrong, tmp_path)


def test_smaller_images(experiment, tmp_path, data):
    assert data.image_size == 12
    experiments.run(replace(experiment, seeds=[0], forget=[[1]], image_size=6), tmp_path)
    assert set(results.read("toy", tmp_path)["dataset"]) == {"toy-6px"}
    with pytest.raises(ValueError, match="images of 12 pixels cannot be made 13 wide"):
        experiments.run(replace(experiment, image_size=13), tmp_path)

"""Figures of networks and images say in words what they show."""

import pytest
import torch

import kit


@pytest.fixture
def two(task):
    """Two networks that nobody trained."""
    seeds = {"original": 0, "retrained": 1}
    return {name: kit.models.build("resnet8", task, width=4, seed=s) for name, s in seeds.items()}


def test_standing_names_every_model_and_the_forgotten_class(shown, two, task):
    kit.plots.standing(two, task)
    (alt,) = shown
    assert f"predictions on forgotten {task.data.classes[1]} images" in alt
    for name, model in two.items():
        share = kit.metrics.accuracy(kit.predict(model, task.test_retain), task.test_retain.y)
        assert f"{name}: {share:.0%} on retained" in alt
    assert alt.count("most often predicted") == 2


def test_projections_name_networks_and_classes(shown, task):
    draws = torch.Generator().manual_seed(0)
    features = {name: torch.randn(40, 6, generator=draws) for name in ("original", "retrained")}
    labels = torch.arange(40) % 4
    kit.plots.projections(features, labels, ["shirt", "boot", "bag", "coat"], shown=[1, 3])
    (alt,) = shown
    assert "of original, retrained; boot and coat in colour" in alt and "shirt" not in alt


def test_layers_name_every_network_and_its_distance(shown, two):
    kit.plots.layers(two, two["original"], origin_name="the first")
    (alt,) = shown
    far = kit.metrics.weight_distance(two["retrained"], two["original"])
    assert "to the first" in alt and f"original: 0.0 in all; retrained: {far:.1f} in all" in alt


def test_images_name_their_classes(shown, task):
    kit.plots.images(task.test_retain, ["shirt", "boot", "bag", "coat"], per_class=3)
    assert shown == ["3 images of each of these classes, one class a row: shirt, bag, coat."]


def test_maps_are_no_images(task):
    maps = kit.datasets.split.synthetic(task.test, torch.rand(len(task.test), 8, 2, 2), task.test.y)
    with pytest.raises(ValueError, match=r"activations of shape \(8, 2, 2\) are no pictures"):
        kit.plots.images(maps, ["shirt", "boot", "bag", "coat"])


def test_pictures_are_shown_under_their_titles(shown):
    tiles = {"grey": torch.rand(4, 4), "colour": torch.rand(3, 4, 4), "flat": torch.zeros(4, 4)}
    kit.plots.pictures(tiles, alt="three squares")
    assert shown == ["three squares"]

"""Whether a method can serve with what is left."""

from dataclasses import replace

import pytest

from kit.experiments.serving import Left, serving
from kit.methods.access import Needs
from kit.methods.registry import get
from kit.methods.toy import toy_feature_task, toy_mixed


@pytest.mark.parametrize(
    "name, retain, forget, can",
    [
        ("scrub", 1, 1, True), ("scrub", 1, 0.9, False), ("scrub", 0.9, 1, False),
        ("unsir", 1, 0, True), ("unsir", 0, 1, False),
        ("boundary_shrink", 0, 1, True), ("boundary_shrink", 1, 0.5, False),
        ("erwp", 0.1, 0.1, True), ("erwp", 1, 0, False), ("logit_mask", 0, 0, True),
    ],
)  # fmt: skip
def test_a_method_serves_if_what_it_needs_is_left(name, retain, forget, can):
    found = serving(get(name), Left(retain, forget, "class"), None)
    assert found.can == can and not found.settings
    assert can or found.why.startswith("needs ")


def test_the_reason_names_all_that_is_lacking():
    why = serving(get("scrub"), Left(0.5, 0, "class"), None).why
    assert why == (
        "needs all of the retained images (50 % are left) and all of the forgotten images "
        "(0 % are left)"
    )


def test_a_method_with_an_amount_takes_what_is_left():
    found = serving(get("erwp"), Left(0.05, 1, "class"), None)
    assert found.can and found.settings == {"amount": "5 %"}
    assert serving(get("retrain"), Left(0.3, 0, "class"), None).settings == {"amount": "30 %"}


def test_less_than_one_image_of_a_class_is_nothing(task):
    few = 0.4 / int(task.retain.y.bincount().max())
    assert not serving(get("finetune"), Left(few, 1, "class", task=task), None).can
    assert serving(get("finetune"), Left(few, 1, "class"), None).can  # nobody knows how many


def test_an_amount_per_class_is_counted_where_the_task_is_known(task):
    have = int(task.retain.y.bincount().max())  # of a class, below the 200 that Fisher asks for
    assert have < 200
    assert not serving(get("fisher"), Left(1, 0, "class", task=task), None).settings
    less = serving(get("fisher"), Left(0.5, 0, "class", task=task), None)
    assert less.settings == {"amount": "50 %"}
    told = serving(get("fisher"), Left(0.5, 0, "class"), None)
    assert told.can and told.why == "needs 200 per class, or all there were"


def test_per_class_means_of_the_largest_class(task):
    have = int(task.retain.y.bincount().max())
    unsir = replace(get("unsir"), needs=Needs(retain=f"{have // 2} per class"))
    assert serving(unsir, Left(0.6, 0, "class", task=task), None).can
    assert not serving(unsir, Left(0.4, 0, "class", task=task), None).can


@pytest.mark.parametrize("level, share", [("class", 0.2), ("sample", 0.2), ("feature", 0.7)])
def test_training_images_of_every_class_are_as_many_as_of_the_rarer_kind(level, share):
    assert Left(0.2, 0.7, level).share("train") == share


def test_a_budget_refuses_what_takes_more_passes():
    left = Left(1, 1, "class", budget=2)
    assert serving(get("scrub"), left, 2.0).can
    over = serving(get("scrub"), left, 4.3)
    assert not over.can and "4.3 passes" in over.why and "budget is 2" in over.why
    assert serving(get("scrub"), left, None).can  # no record, no reason to refuse


def test_missing_images_are_further_away_than_passes():
    no_images = serving(get("scrub"), Left(1, 0.99, "class"), None)
    no_passes = serving(get("scrub"), Left(1, 1, "class", budget=1), 100.0)
    assert no_passes.shortage < no_images.shortage


def test_a_network_of_the_wrong_kind_cannot_be_served(original):
    mixed = get("mixed_privacy")
    refused = serving(mixed, Left(1, 1, "class", model=original), None)
    assert not refused.can and "MixedLinear" in refused.why
    assert serving(mixed, Left(1, 1, "class", model=toy_mixed()), None).can


def test_to_forget_a_feature_the_images_trained_on_are_what_counts():
    assert serving(get("gradient_reversal"), Left(0, 1, "feature"), None).can
    assert not serving(get("gradient_reversal"), Left(1, 0, "feature"), None).can


def test_photographs_have_no_counterfactuals():
    task = toy_feature_task()
    name = get("feature_sensitivity")
    assert serving(name, Left(1, 1, "feature", task=task), None).can
    as_taken = replace(task, drawing=None)
    found = serving(name, Left(1, 1, "feature", task=as_taken), None)
    assert not found.can and "the other value of the feature" in found.why

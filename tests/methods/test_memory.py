"""No method and no audit takes more than a batch of images at a time out of a data set, which may
be a file larger than the memory."""

import pytest

import kit
from kit.datasets.split import Split
from kit.datasets.toy import toy_data
from kit.methods.toy import RECIPE, feature_alone, toy_feature_task
from kit.training import BATCH

DATA = toy_data(per_class=150)
TASKS = {
    "class": kit.tasks.forget_classes(DATA, [1]),
    "sample": kit.tasks.forget_samples(DATA, range(0, 600, 12)),
}


@pytest.fixture(scope="module")
def networks():
    original = kit.models.build("cnn", DATA, width=8)
    kit.fit(original, TASKS["class"].train, RECIPE)
    retrained = kit.models.build("cnn", DATA, width=8, seed=1)
    kit.fit(retrained, TASKS["class"].retain, RECIPE)
    return original, retrained


@pytest.fixture(autouse=True)
def guarded(monkeypatch, networks):
    """Images are taken in batches, or not at all."""
    whole = Split.x.fget

    def x(split):
        made = split.pixels.is_floating_point()
        assert made or len(split) <= BATCH, f"{len(split)} images at once"
        return whole(split)

    monkeypatch.setattr(Split, "x", property(x))


NAMES = [
    (name, level)
    for level in TASKS
    for name in kit.methods.names(level)
    if not feature_alone(kit.methods.get(name)) and name != "mixed_privacy"  # of maps, not images
]


@pytest.mark.parametrize("name, level", NAMES)
def test_methods(name, level, networks):
    kit.unlearn(name, networks[0], TASKS[level], **kit.methods.get(name).toy)


@pytest.mark.parametrize("name", kit.methods.names("feature"))
def test_methods_for_features(name):
    network = kit.models.build("cnn", toy_feature_task(), width=8)
    options = {key: 1 if "epochs" in key else v for key, v in kit.methods.get(name).toy.items()}
    kit.unlearn(name, network, toy_feature_task(), **options)


@pytest.mark.parametrize("audits", ["fast", "features", "masking", "comparison", "full"])
def test_audits(audits, networks):
    original, retrained = networks
    kit.evaluate(original, TASKS["class"], original=original, reference=retrained, audits=audits)


def test_the_guard_bites():
    with pytest.raises(AssertionError, match="600 images at once"):
        TASKS["class"].train.inputs()

"""Experiment files, and records that are of something else."""

import dataclasses

import pytest

import kit
from kit.experiments import experiment as experiment_module
from kit.experiments import results
from kit.experiments.experiment import Experiment, Outcome, Request, Run
from kit.experiments.run import FILES, run
from kit.training.augment import Augment
from tests.conftest import ROOT


def test_experiment_files_are_checked(tmp_path):
    with pytest.raises(FileNotFoundError, match="no.toml is not there"):
        Experiment.load(tmp_path / "no.toml")
    file = tmp_path / "bad.toml"
    file.write_text("profile = ")
    with pytest.raises(ValueError, match="bad.toml is not an experiment"):
        Experiment.load(file)
    file.write_text('profile = "quick"\nsedes = [1]')
    with pytest.raises(ValueError, match="sedes"):
        Experiment.load(file)


def test_committed_experiments_load():
    for file in (ROOT / "results" / "experiments").glob("*.toml"):
        loaded = Experiment.load(file)
        assert loaded.full_recipe.epochs > 0
        for arm in loaded.arms:
            FILES[loaded.kind].config(loaded, arm)


# --- a record is of what it was made from


@pytest.fixture
def asked(experiment, data):
    """One run of an experiment, and others that would have the same record but for what changes."""

    def run(changed_data=data, request=None, **changes):
        one = dataclasses.replace(experiment, **changes)
        request = request or kit.tasks.forget_classes(changed_data, [1])
        return Run(one, changed_data, Request.of(request), 0, {"method": "logit_mask"})

    return run


@pytest.fixture
def record(asked, task, tmp_path):
    """The file of that run's record."""
    out = kit.unlearn("logit_mask", kit.models.build("resnet8", task, width=4), task)
    return results.write(asked().record(Outcome(task, out, {"retain_accuracy": 1.0})), tmp_path)


def test_a_run_finds_its_own_record(asked, record, tmp_path):
    assert asked().recorded(tmp_path) == results.load(record)
    assert record.stem == asked().id and asked(name="other").recorded(tmp_path) is None


def test_every_setting_of_a_run_is_told_from_others_by_name_or_inputs(asked, record):
    assert results.load(record)["inputs"] == asked().inputs
    assert set(asked().inputs) == {"data", "request", "recipe", "network", "audits", "settings",
                                     "curves"}  # fmt: skip


def inverted(data):
    """The same images but for one."""
    x = data.train_x.clone()
    x[0] = 255 - x[0]
    return dataclasses.replace(data, train_x=x)


@pytest.mark.parametrize(
    "changes, what",
    [
        ({"recipe": {"epochs": 2, "augment": {}}}, "recipe"),
        ({"model": {"name": "resnet8", "width": 8}}, "network"),
        ({"audits": "gap"}, "audits"),
        ({"tuning": {"epochs": 2}}, "settings"),
        ({"curves": True}, "curves"),
        ({"audits": "gap", "model": {"name": "resnet8"}}, "network and audits"),
    ],
)
def test_a_record_of_something_else_is_found_out(asked, record, tmp_path, changes, what):
    with pytest.raises(ValueError, match=f"record of another run, with another {what}: give"):
        asked(**changes).recorded(tmp_path)


def test_a_record_of_other_tuned_settings_is_found_out(asked, task, tmp_path, monkeypatch):
    """What another experiment found best decides a run, not that experiment's name."""
    tuned = dataclasses.replace(asked(tuned="tuning"), arm={"method": "finetune"})
    best = {"finetune": {"lr": 0.05}}
    monkeypatch.setattr(experiment_module, "_best", lambda name: best)
    out = kit.unlearn("finetune", kit.models.build("resnet8", task, width=4), task, epochs=1)
    results.write(tuned.record(Outcome(task, out, {"retain_accuracy": 1.0})), tmp_path)
    assert dataclasses.replace(tuned).recorded(tmp_path)
    best["finetune"] = {"lr": 0.1}
    with pytest.raises(ValueError, match="with another settings: "):
        dataclasses.replace(tuned).recorded(tmp_path)


def test_a_record_of_other_labels_is_found_out(asked, record, task, tmp_path):
    swapped = task.train.labelled((task.train.y + 1) % 4)
    relabelled = dataclasses.replace(task, train=swapped)
    with pytest.raises(ValueError, match="with another request: "):
        asked(request=relabelled).recorded(tmp_path)


def test_a_record_of_other_images_is_found_out(asked, record, data, tmp_path):
    with pytest.raises(ValueError, match=f"{record.name} is .* with another data and request"):
        asked(inverted(data)).recorded(tmp_path)


def test_a_record_of_another_request_of_that_name_is_found_out(asked, record, data, tmp_path):
    within = kit.tasks.forget_classes(data, [1], within=range(0, 240, 2))
    with pytest.raises(ValueError, match="with another request: "):
        asked(request=within).recorded(tmp_path)


def test_an_old_record_says_nothing_of_what_it_was_made_from_and_is_taken(asked, record, tmp_path):
    old = results.load(record) | {"schema": 1}
    del old["inputs"], old["arm"]
    results.write(old, tmp_path)
    assert asked().recorded(tmp_path) == asked(audits="gap").recorded(tmp_path) == old


def test_an_experiment_is_not_run_over_records_of_something_else(experiment, tmp_path):
    one = dataclasses.replace(experiment, forget=[[1]], seeds=[0], arms=[{"method": "logit_mask"}])
    assert run(one, tmp_path) == 1 and run(one, tmp_path) == 0
    other = dataclasses.replace(one, recipe={"epochs": 2, "augment": {}})
    with pytest.raises(ValueError, match="with another recipe"):
        run(other, tmp_path)


def test_an_experiment_is_of_one_kind():
    with pytest.raises(ValueError, match="one table of shadows, mixed, federation, feature"):
        Experiment("x", "quick", [[]], [0], [], mixed={"core": 1}, feature={"attribute": "glyph"})


@pytest.mark.parametrize(
    "change, sentence",
    [
        ("forget = [3]", "forget must be a list of lists of class indices"),
        ("forget = [[true]]", "forget must be a list of lists of class indices"),
        ("forget = []", "forget is empty: nothing would run"),
        ("seeds = 0", "seeds must be a list of whole numbers.*got 0"),
        ("seeds = [0.5]", "seeds must be a list of whole numbers"),
        ("seeds = []", "seeds is empty: nothing would run"),
        ('arms = [{meth = "unsir"}]', "arms must be a list of tables with a method"),
        ('arms = ["unsir"]', "arms must be a list of tables with a method"),
        ("speed = 3", "unexpected keyword argument 'speed'"),
        ("seeds = [0", "is not an experiment"),
    ],
)
def test_a_file_is_checked_whole(tmp_path, change, sentence):
    good = {"profile": '"quick"', "forget": "[[3]]", "seeds": "[0]", "arms": "[]"}
    key, _, value = change.partition(" = ")
    file = tmp_path / "one.toml"
    file.write_text("".join(f"{k} = {v}\n" for k, v in (good | {key: value}).items()))
    with pytest.raises(ValueError, match=f"one.toml is not an experiment.*{sentence}|{sentence}"):
        Experiment.load(file)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "one.toml").write_bytes(b"profile = \xff")
    with pytest.raises(ValueError, match="one.toml is not an experiment"):
        Experiment.load(tmp_path / "one.toml")


def test_arms_are_checked_before_any_trains(tmp_path, monkeypatch):
    asked = Experiment(
        name="x", profile="quick", forget=[[3]], seeds=[0],
        arms=[{"method": "original"}, {"method": "finetune", "lrr": 3}],
    )  # fmt: skip
    monkeypatch.setattr("kit.experiments.one.measure", lambda *_: pytest.fail("it trained"))
    with pytest.raises(ValueError, match="has no setting lrr"):
        run(asked, tmp_path)


PRETRAINED = {"name": "efficientnet_lite0", "above": "top"}


def test_maps_are_not_augmented_unless_the_file_says_so():
    base = {"name": "x", "profile": "quick", "forget": [[0]], "seeds": [0], "arms": []}
    assert Experiment(**base).full_recipe.augment != Augment()
    assert Experiment(**base, model=PRETRAINED).full_recipe.augment == Augment()
    asked = Experiment(**base, model=PRETRAINED, recipe={"augment": {"flip": True}})
    assert asked.full_recipe.augment == Augment(flip=True)


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"model": PRETRAINED, "shadows": {"count": 4}}, "shadows train efficientnet_lite0 from"),
        ({"model": PRETRAINED, "federation": {"clients": 2}}, "federation train efficientnet"),
        ({"model": {"name": "resnet8", "above": "head"}}, "above is for a pretrained network"),
        ({"model": PRETRAINED, "mixed": {"core": 0, "activation": "leaky_relu"}},
         "say activation in .model., where the network is cut"),
        ({"model": {"name": "resnet8"}, "mixed": {"core": 0}},
         "a core without images must be pretrained"),
        ({"model": {"name": "resnet8"}, "mixed": {"core": 8},
          "arms": [{"method": "original", "core": 0}]}, "a core without images must be pretrained"),
        ({"model": PRETRAINED, "mixed": {"core": 8},
          "arms": [{"method": "original", "activation": "leaky_relu"}]},
         "say activation in .model."),
    ],
)  # fmt: skip
def test_a_pretrained_network_where_it_would_not_be_used(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Experiment(
            "x", **{"profile": "quick", "forget": [[0]], "seeds": [0], "arms": []} | settings
        )


def test_a_pretrained_network_is_a_core_as_it_comes():
    leaky = PRETRAINED | {"activation": "leaky_relu"}
    mixed = {"core": 0, "activation": "leaky_relu"}
    asked = Experiment("x", "quick", [[0]], [0], [{"method": "original"}], model=leaky, mixed=mixed)
    assert asked.network == ("efficientnet_lite0", {"above": "top", "activation": "leaky_relu"})

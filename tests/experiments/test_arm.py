"""The name of an arm, of a run, and of the arm that an old record's name tells."""

import pytest

from kit.experiments import arm, results

RUN = {"experiment": "e", "dataset": "d", "model": "m", "task": "class:1+2", "seed": 0}


def told(method, settings, *, config=None, **changes):
    """The arm of a record of schema 1 with these settings: only its name tells them."""
    run = RUN | changes
    known = [run[key] for key in ("experiment", "dataset", "model")]
    name = arm.record_id(*known, method, settings, run["task"], run["seed"])
    config = settings if config is None else config
    return arm.of_record(run | {"id": name, "method": method, "config": config})


def test_an_arm_is_its_method_and_what_changed():
    assert arm.name("retrain", {}) == "retrain"
    assert arm.name("unsir", {"variant": "no_noise"}) == "unsir no_noise"
    assert arm.name("erwp", {"lr": 1e-4, "bound": "none"}) == "erwp bound=none, lr=0.0001"
    changed = {"alpha": 2, "variant": "code", "beta": 3}
    assert arm.name("unsir", changed) == "unsir code, alpha=2, beta=3"


def test_a_record_that_carries_its_arm_is_believed():
    assert arm.of_record({"arm": "my own"}) == "my own"


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"variant": "paper"}, {"lr": 0.1, "epochs": 2}, {"bound": "none", "head": "only"},
        {"layers": ["stage3", "head"], "sigma": 0.1}, {"channels": [1, 2, 3]},
    ],
)  # fmt: skip
def test_the_name_of_a_record_tells_its_arm(settings):
    assert told("erwp", settings) == arm.name("erwp", settings)
    assert told("feature_adversarial", settings, task="feature:glyph+tint", model="a_b") == (
        arm.name("feature_adversarial", settings)
    )


def test_blanks_and_per_cents_come_back_from_the_settings():
    assert told("erwp", {"amount": "10 %"}) == "erwp amount=10 %"
    assert told("erwp", {"amount": "10 %", "lr": 0.1}) == "erwp amount=10 %, lr=0.1"


@pytest.mark.parametrize("classes", [30, 60])
@pytest.mark.parametrize("settings", [{}, {"lr": 0.1}, {"bound": "none", "share": 0.05}])
def test_a_name_cut_in_its_request_tells_its_arm(settings, classes):
    task = f"class:{'+'.join(map(str, range(classes)))}"
    assert told("erwp", settings, task=task) == arm.name("erwp", settings)


def test_a_name_cut_in_its_last_setting_is_completed():
    settings = {"ascent": False, "bound": "none", "distillation": 0.125, "head": "only",
                "share": 0.0625, "temperature": 2.5, "update": "of all that there is"}  # fmt: skip
    assert "update=~" in arm.record_id("e", "d", "m", "erwp", settings, "class:1", 0)
    config = settings | {"epochs": 3, "recipe": {"lr": 0.1}}
    assert told("erwp", settings, config=config, task="class:1") == arm.name("erwp", settings)


def test_a_name_that_tells_nothing_is_not_mistaken_for_another():
    run = RUN | {"id": "something else", "method": "erwp", "config": {}}
    assert arm.of_record(run) == "erwp name=something else"


def test_record_names_suit_make():
    """A file name with a blank or a per cent sign breaks the Makefile's list of records."""
    name = results.record_id("e", "d", "m", "erwp", {"amount": "10 %"}, "class:1+2", 0)
    assert name == "e_d_m_erwp_amount=10pct_class1+2_s0"
    files = results.records_root().glob("*.json")
    assert not [f.name for f in files if " " in f.name or "%" in f.name]


def test_names_are_of_one_run_each():
    classes = [f"class:{'+'.join(map(str, range(n)))}" for n in (40, 41, 42)]
    names = {
        arm.record_id("e", "d", "m", "erwp", settings, task, seed)
        for settings in ({}, {"lr": 0.1}, {"lr": 0.2}) for task in classes for seed in (0, 1)
    }  # fmt: skip
    assert len(names) == 18 and all(len(name) <= 120 for name in names)
    assert "/" not in arm.record_id("e", "a/b", "m", "erwp", {}, "class:1", 0)

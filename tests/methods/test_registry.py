"""Settings of methods: refused, preset, tuned."""

import pytest

import kit


@pytest.mark.parametrize(
    "name, options, match",
    [
        ("neg_grad", {"alpha": 1.5}, "alpha must lie"),
        ("neg_grad", {"variant": "minus"}, "variant must be"),
        ("salun", {"share": 0.0}, "share must lie"),
        ("salun", {"freeze": "no"}, "freeze must be"),
        ("scrub", {"max_epochs": 9}, "max_epochs must lie"),
        ("bad_teacher", {"target": "good"}, "target must be"),
        ("boundary_shrink", {"variant": "grow"}, "variant must be"),
        ("ssd", {"alpha": -1.0}, "alpha must be positive"),
        ("fisher", {"alpha": -1.0}, "alpha must not"),
        ("l1_sparse", {"gamma": -1.0}, "gamma must not"),
    ],
)
def test_refuses_settings_that_mean_nothing(name, options, match):
    with pytest.raises(ValueError, match=match):
        kit.methods.get(name).configure(**options)


@pytest.mark.parametrize("name", ["neg_grad", "random_labels", "salun", "l1_sparse", "bad_teacher",
                                  "scrub", "boundary_shrink", "ssd", "fisher"])  # fmt: skip
def test_published_values_are_a_preset_and_can_be_tuned(name):
    method = kit.methods.get(name)
    assert isinstance(method.config.paper(), method.config)
    for setting, values in method.grid.items():
        for value in values:
            method.configure(**{setting: value})

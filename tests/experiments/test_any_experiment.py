"""Whatever an experiment file holds: it is taken as meant, or refused in a sentence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.experiments.experiment import Experiment

anything = st.recursive(
    st.one_of(st.integers(-2, 12), st.floats(0, 2), st.booleans(), st.text("ab", max_size=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=6,
)
requests = st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=3)
arms = st.lists(st.fixed_dictionaries({"method": st.sampled_from(["original", "unsir"])}))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(forget=requests | anything, seeds=st.lists(st.integers(0, 5)) | anything,
       arms=arms | anything)  # fmt: skip
def test_any_lists_are_taken_as_meant_or_refused(forget, seeds, arms):
    try:
        asked = Experiment(name="x", profile="quick", forget=forget, seeds=seeds, arms=arms)
    except ValueError as error:
        assert str(error).startswith("x: ")
        return
    assert all(type(c) is int for request in asked.forget for c in request)
    assert asked.seeds and all(type(seed) is int for seed in asked.seeds)
    assert all(isinstance(arm["method"], str) for arm in asked.arms)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=60))
def test_any_file_is_an_experiment_or_named(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("files") / "one.toml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="one.toml is not an experiment"):
        Experiment.load(file)  # nothing so short names a profile, requests, seeds and arms

"""Every registered method against every contract that applies to it; the contracts themselves
against methods that break one of them each."""

import functools
import re
from dataclasses import dataclass

import numpy
import pytest
import torch

import kit
from kit.datasets.toy import toy_data
from kit.methods import DataAccessError, Needs, TaskView, registry
from kit.methods.contracts import BrokenContract, check, contracts
from kit.methods.toy import Case, toy_mixed, toy_original, toy_task
from kit.runtime.cost import count_passes
from kit.training import Recipe, constant_rate

case = functools.cache(Case)  # one run of a method serves all its contracts
ALL = [(name, contract) for name in kit.methods.names() for contract in contracts(name)]


@pytest.mark.parametrize(
    "name, contract", ALL, ids=[f"{name}-{contract.__name__}" for name, contract in ALL]
)
def test_contract(name, contract):
    contract(case(name))


def test_contracts_are_chosen_by_what_a_method_declares():
    chosen = {name: {c.__name__ for c in contracts(name)} for name in kit.methods.names()}
    assert all(
        {"moves_weights", "repeats_itself", "counts_its_costs"} <= c for c in chosen.values()
    )
    assert "does_its_job" in chosen["unsir"] and "serves_single_images" not in chosen["unsir"]
    assert "serves_single_images" in chosen["scrub"]
    assert "makes_the_feature_count_less" in chosen["finetune"]  # of level "feature", too
    assert "does_its_job" not in chosen["feature_filter"]
    assert "reads_only_the_views_it_declares" in chosen["feature_filter"]


# --- a method that breaks a contract is found out


@dataclass(frozen=True)
class Config:
    """Nothing to set."""


@pytest.fixture
def broken(monkeypatch):
    """Registers a function as the method "broken", for classes, with these needs."""
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))

    def make(run, level=("class",), **needs):
        run.__doc__ = "Broken."
        register = registry.register(
            "broken", level=level, needs=Needs(**needs), paper="", config=Config
        )
        register(run)
        return Case("broken")

    return make


def breaks(case, name, match):
    (contract,) = [c for c in contracts("broken") if c.__name__ == name]
    with pytest.raises(BrokenContract, match=match):
        contract(case)


def tune(model, split, seed, **settings):
    kit.fit(model, split, constant_rate(1, 0.05, 32, **settings), seed=seed)


def test_doing_nothing(broken):
    case = broken(lambda model, view, config, seed: {})
    breaks(case, "moves_weights", "changed no parameter")
    breaks(case, "does_its_job", "forgotten class is 1.0, above 0.1")
    with pytest.raises(BrokenContract, match="broken breaks .* contracts:\n  moves_weights"):
        check("broken")


def test_changing_the_network_that_was_given(broken):
    def run(model, view, config, seed):
        with torch.no_grad():
            toy_original().head.bias.add_(0.0 if run.done else 1.0)
            run.done = True
            model.head.bias.add_(1.0)
        return {}

    run.done = False
    try:
        breaks(broken(run), "leaves_the_input_model", "head.bias")
    finally:
        with torch.no_grad():
            toy_original().head.bias.sub_(1.0)


def test_another_result_each_time(broken):
    draws = torch.Generator().manual_seed(0)

    def run(model, view, config, seed):
        with torch.no_grad():
            model.head.bias.add_(torch.rand(4, generator=draws))
        return {}

    breaks(broken(run), "repeats_itself", "other weights")


def test_reading_the_test_images(broken):
    def run(model, view, config, seed):
        hidden = vars(view)["_splits"]["retain"].pixels  # all training images, declared or not
        with torch.no_grad():
            model.head.bias.add_(hidden.float().mean())
        return {}

    breaks(broken(run, retain="10 per class"), "reads_only_what_it_declares", "did not declare")


def test_hiding_its_costs(broken):
    def run(model, view, config, seed):
        with torch.no_grad():
            model.head.bias.add_(view.retain.x.float().mean())
        return {}

    breaks(broken(run, retain="all"), "counts_its_costs", r"passes are \{\}")


def test_another_architecture(broken):
    def run(model, view, config, seed):
        model.register_buffer("more", torch.zeros(1))
        return {}

    breaks(broken(run), "returns_a_finite_model_in_eval_mode", "another architecture")


def test_counting_other_images_than_declared(broken):
    def run(model, view, config, seed):
        tune(model, view.retain, seed)
        count_passes("test", forward=1)
        return {}

    breaks(broken(run, retain="all"), "counts_its_costs", "it counted test_forward, and needs")


def test_writing_into_the_images(broken):
    def run(model, view, config, seed):
        view.retain.pixels[:] = 0
        return {}

    case = broken(run, retain="all")
    breaks(case, "leaves_the_data_and_the_random_numbers", "the images or labels that it was lent")
    assert toy_task().train.pixels.any()  # its own copy, not that of all


def test_reseeding_numpy(broken):
    def run(model, view, config, seed):
        numpy.random.seed(seed)
        return {}

    breaks(broken(run), "leaves_the_data_and_the_random_numbers", "numpy's random numbers")


def test_what_it_may_not_touch_is_a_broken_contract_too(broken):
    broken(lambda model, view, config, seed: {"n": [len(view.forget)]})
    with pytest.raises(BrokenContract, match="moves_weights: DataAccessError: .*forget images"):
        check("broken")


def test_a_method_for_single_images_alone_is_checked(broken):
    def run(model, view, config, seed):
        tune(model, view.retain, seed)
        return {}

    case = broken(run, level=("sample",), retain="all")
    assert case.task.level == "sample"
    chosen = [c for c in contracts("broken") if c.__name__ != "is_documented"]
    assert "does_its_job" not in {c.__name__ for c in chosen}
    for contract in chosen:
        contract(case)


def test_images_that_nobody_was_trained_on_can_be_needed(broken):
    def run(model, view, config, seed):
        tune(model, view.validation, seed)
        return {}

    case = broken(run, validation=True)
    for name in ("moves_weights", "reads_only_what_it_declares"):
        [c for c in contracts("broken") if c.__name__ == name][0](case)


def test_no_word_about_needs_and_costs(broken):
    breaks(broken(lambda model, view, config, seed: {}), "is_documented", "Needs and Cost")


def test_failing_on_a_single_class(broken):
    def run(model, view, config, seed):
        with torch.no_grad():
            model.head.bias /= len(view.retain_classes) - 1
        return {}

    case = broken(run)
    with pytest.raises((BrokenContract, FloatingPointError)):
        [c for c in contracts("broken") if c.__name__ == "leaves_a_single_class"][0](case)


def test_needs_are_declared_once(monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", {})

    class Decides(Config):
        needs = Needs(retain="all")

    with pytest.raises(ValueError, match="declares its needs once"):
        registry.register("x", level=("class",), paper="", config=Config)
    with pytest.raises(ValueError, match="declares its needs once"):
        registry.register("x", level=("class",), paper="", config=Decides, needs=Needs())
    registry.register("x", level=("class",), paper="", config=Decides)(lambda *arguments: {})
    assert registry.get("x").needs == Needs(retain="all")


@pytest.mark.parametrize(
    "wrong, match",
    [({"level": "class"}, "level is a tuple of class, sample, feature"),
     ({"level": ("classes",)}, "level is a tuple"), ({"config": dict}, "config is a dataclass"),
     ({"toy": {"epochs": 1}}, "grid and toy name no setting epochs")],
)  # fmt: skip
def test_register_refuses(monkeypatch, wrong, match):
    monkeypatch.setattr(registry, "_METHODS", {})
    right = {"level": ("class",), "needs": Needs(), "paper": "", "config": Config}
    with pytest.raises(ValueError, match=match):
        registry.register("x", **right | wrong)


def test_a_network_of_its_own_kind_is_asked_for(broken):
    class Other(torch.nn.Module):
        pass

    broken(lambda model, view, config, seed: {})
    method = registry._METHODS["broken"]
    registry._METHODS["broken"] = method.__class__(**vars(method) | {"takes": Other})
    with pytest.raises(ValueError, match="takes a .*Other: give one"):
        check("broken")


# --- what contracts rest on


def test_networks_of_the_toy_know_the_class():
    for model in (toy_original(), toy_mixed()):
        assert kit.evaluate(model, toy_task())["forget_accuracy"] > 0.9


def test_view_holds_only_what_is_declared(task):
    view = TaskView(task, Needs(retain="10 per class"), seed=0)
    assert len(view.retain) == 30 and view.retain.y.bincount().tolist() == [10, 0, 10, 10]
    for name in ("forget", "test", "test_forget", "train", "data"):
        with pytest.raises(DataAccessError):
            getattr(view, name)
    share = TaskView(task, Needs(retain="10 %", forget="50 %"), seed=0)
    assert len(share.retain) == 18 and len(share.forget) == 30
    with pytest.raises(ValueError, match="cannot read"):
        Needs(retain="some")


@pytest.mark.parametrize(("images", "share"), [(1, "40 %"), (5, "10 %"), (25, "2 %")])
def test_a_share_of_few_images_says_a_share_that_works(images, share):
    few = kit.tasks.forget_classes(toy_data(per_class=images), [1])
    with pytest.raises(
        ValueError, match='is not even one: ask for .*or for "1 per class"'
    ) as error:
        TaskView(few, Needs(retain=share), seed=0)
    asked = re.search(r"ask for (\d+ %)", str(error.value))[1]
    assert len(TaskView(few, Needs(retain=asked), seed=0).retain) == 3
    assert len(TaskView(few, Needs(retain="1 per class"), seed=0).retain) == 3


def test_unknown_method():
    with pytest.raises(ValueError, match="unknown method 'unsri'.*unsir"):
        kit.methods.get("unsri")


def test_retrain_is_fresh():
    """Every parameter is new, not the last layer alone."""
    original = toy_original()
    after = dict(case("retrain").run(seed=5).model.named_parameters())
    for key, value in original.named_parameters():
        similarity = torch.cosine_similarity(value.flatten(), after[key].flatten(), dim=0)
        assert not torch.equal(value, after[key])
        if value.dim() == 4:
            assert similarity < 0.5, f"{key} resembles the original"


def test_retrain_equals_training_from_scratch():
    model = kit.models.build("resnet8", toy_task(), width=8, seed=0)
    kit.fit(model, toy_task().retain, Recipe(epochs=6, batch_size=32, lr=0.1, bf16=False), seed=0)
    for key, value in case("retrain").outcome.model.state_dict().items():
        assert torch.equal(value, model.state_dict()[key])

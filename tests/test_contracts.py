"""Every registered method against every contract; each was born from a defect in published code."""

import copy
import functools
import inspect
import re
from dataclasses import replace

import pytest
import torch

import kit
from kit.methods import DataAccessError, Needs, TaskView
from kit.parts.adversary import ADVERSARY
from kit.parts.mixed_linear import MixedLinear
from tests.conftest import TOY_RECIPE

METHODS = kit.methods.names()
FEATURE_METHODS = [n for n in METHODS if kit.methods.get(n).level == ("feature",)]
CLASS_METHODS = [n for n in METHODS if n not in FEATURE_METHODS]
TOY_ADVERSARY = replace(ADVERSARY, epochs=8, batch_size=32)
# Settings that suit the toy task, where a method's defaults are meant for larger ones.
TOY = {
    "retrain": {"recipe": TOY_RECIPE},
    "finetune": {"epochs": 6, "lr": 0.1, "batch_size": 32},
    "class_pruning": {"epochs": 6, "lr": 0.1, "batch_size": 32},
    "erwp": {"epochs": 30, "lr": 0.003, "batch_size": 32},
    "unsir": {"batch_size": 32, "noise_images": 32, "noise_copies": 2, "impair_lr": 0.02},
    "neg_grad": {"epochs": 4, "lr": 0.02, "alpha": 0.9, "batch_size": 32},
    "random_labels": {"epochs": 4, "lr": 3e-3, "batch_size": 32, "redraw": False},
    "salun": {"epochs": 4, "share": 0.5, "batch_size": 32},
    "l1_sparse": {"epochs": 6, "lr": 0.1, "batch_size": 32},
    "bad_teacher": {"epochs": 8, "lr": 5e-3, "batch_size": 32},
    "scrub": {
        "max_epochs": 4,
        "epochs": 4,
        "lr": 2e-3,
        "batch_size": 32,
        "forget_batch_size": 32,
    },
    "boundary_shrink": {"lr": 1e-4, "epochs": 10, "batch_size": 32, "epsilon": 0.25},
    "ssd": {"alpha": 3.0, "dampening": 1.0},
    "fisher": {"alpha": 1e-5, "amount": "all"},
    "mixed_privacy": {"solver": "cg", "epochs": 60},
    "feature_adversarial": {"epochs": 8, "batch_size": 32, "width": 8, "adversary": TOY_ADVERSARY},
    "feature_filter": {"identifier_epochs": 8, "batch_size": 32},
    "feature_sensitivity": {"epochs": 8, "batch_size": 32},
    "gradient_reversal": {"epochs": 8, "batch_size": 32},
    "influence_update": {"rate": 0.5},
}


@pytest.fixture(scope="module")
def mixed(retrained, task):
    """Its core has never seen the class: only the user weights know it."""
    model = MixedLinear(copy.deepcopy(retrained), layers=["stage3", "head"])
    model.learn(task.train)
    return model.eval().requires_grad_(True)


@pytest.fixture(scope="module")
def network(original, mixed, feature_original):
    """name of a method -> a network that it works on."""

    def choose(name):
        method = kit.methods.get(name)
        if method.level == ("feature",):
            return feature_original
        return mixed if method.takes is MixedLinear else original

    return choose


@pytest.fixture(scope="module")
def asked(task, feature_task):
    """name of a method -> a request that it serves."""
    return lambda name: feature_task if kit.methods.get(name).level == ("feature",) else task


def run(name, model, task, seed=0):
    return kit.unlearn(name, model, task, seed=seed, **TOY.get(name, {}))


@pytest.fixture(scope="module")
def outcome(network, asked):
    """name of a method -> its one run, and the input model's state before it."""

    @functools.cache
    def once(name):
        before = copy.deepcopy(network(name).state_dict())
        return run(name, network(name), asked(name)), before

    return once


@pytest.mark.parametrize("name", METHODS)
def test_moves_weights(name, outcome, network):
    after = dict(outcome(name)[0].model.named_parameters())
    moved = [n for n, p in network(name).named_parameters() if not torch.equal(p, after[n])]
    assert moved, f"{name} changed no parameter"


@pytest.mark.parametrize("name", METHODS)
def test_input_model_stays(name, outcome, network):
    before, after = outcome(name)[1], network(name).state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_same_weights(name, outcome, network, asked):
    first, again = outcome(name)[0].model, run(name, network(name), asked(name)).model
    for key, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), f"{name}: {key} differs"


@pytest.mark.parametrize("name", METHODS)
def test_returns_a_finite_model_in_eval_mode(name, outcome, network):
    model = outcome(name)[0].model
    assert not any(m.training for m in model.modules())
    assert all(p.requires_grad for p in model.parameters())
    state = model.state_dict()
    assert {k: v.shape for k, v in state.items()} == {
        k: v.shape for k, v in network(name).state_dict().items()
    }
    assert all(torch.isfinite(v).all() for v in state.values())


@pytest.mark.parametrize("name", kit.methods.names("class"))
def test_does_its_job(name, outcome, task):
    row = kit.evaluate(outcome(name)[0].model, task)
    assert row["forget_accuracy"] <= 0.1, row
    assert row["retain_accuracy"] >= 0.9, row


def test_doing_nothing_fails_the_same_test(original, mixed, task):
    for model in (original, mixed):
        assert kit.evaluate(model, task)["forget_accuracy"] > 0.9


@pytest.mark.parametrize("name", METHODS)
def test_costs_are_counted(name, outcome):
    out = outcome(name)[0]
    needs = kit.methods.get(name).needs
    assert out.seconds > 0
    assert all(n > 0 for n in out.passes.values())
    assert bool(out.passes) == bool(needs.retain or needs.forget or needs.train), out.passes
    if needs.forget is None:
        assert not any(kind.startswith("forget") for kind in out.passes)


@pytest.mark.parametrize("name", kit.methods.names("feature"))
def test_the_feature_decides_less(name, outcome, feature_original, feature_task):
    """Behind the method's filter, if it ships one: raw images are another matter."""
    before = kit.metrics.counterfactual(feature_original, feature_task.pairs())["flip_rate"]
    assert before > 0.3
    out = outcome(name)[0]
    if name in CLASS_METHODS:  # serves features as well: its outcome above is of a class
        out = run(name, feature_original, feature_task)
    after = kit.metrics.counterfactual(out.model, feature_task.pairs(), out.filter)["flip_rate"]
    assert after < 0.75 * before, (before, after)


@pytest.mark.parametrize("name", FEATURE_METHODS)
def test_never_reads_undeclared_views(name, outcome, feature_original, feature_task):
    """Annotations shuffled, counterfactuals and redrawn images poisoned, where not declared."""

    def inverted(split):
        return replace(split, pixels=255 - split.pixels)

    needs, true = kit.methods.get(name).needs, feature_task
    request = replace(
        true, test=inverted(true.test), test_retain=inverted(true.test),
        retain=inverted(true.retain),
        annotations=true.annotations if needs.annotations else 1 - true.annotations,
    )  # fmt: skip
    twins = true.counterfactuals
    vars(request)["counterfactuals"] = twins if needs.counterfactuals else inverted(twins)
    again = run(name, feature_original, request).model
    for key, value in outcome(name)[0].model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), f"{name} read what it did not declare"


@pytest.mark.parametrize("name", CLASS_METHODS)
def test_never_reads_undeclared_data(name, outcome, network, task):
    """Poison all that the method did not declare: the weights must not change."""
    needs = kit.methods.get(name).needs
    view = TaskView(task, needs, seed=0)
    data = task.data
    hidden = torch.ones(len(data.train_x), dtype=torch.bool)
    for kind in ("retain", "forget"):
        if getattr(needs, kind):
            hidden[getattr(view, kind).rows] = False
    x = data.train_x.clone()
    x[hidden] = 255 - x[hidden]
    poisoned = kit.datasets.ImageData(
        "poisoned", x, data.train_y, 255 - data.test_x, data.test_y, data.classes
    )
    vars(poisoned)["statistics"] = data.statistics  # public constants, kept
    request = kit.tasks.forget_classes(poisoned, task.forget_classes)
    again = run(name, network(name), request).model
    for key, value in outcome(name)[0].model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), f"{name} read data it did not declare"


@pytest.mark.parametrize("name", METHODS)
def test_no_device_path_or_data_set_in_the_code(name):
    source = inspect.getsource(inspect.getmodule(kit.methods.get(name).run))
    code = re.sub(r'"""[\s\S]*?"""', "", source)
    for word in ("cuda", ".cpu()", "open(", "Path(", "print(", *kit.datasets.names()):
        assert word not in code.lower(), f"{name} names {word}"


@pytest.mark.parametrize("name", METHODS)
def test_is_documented(name):
    method = kit.methods.get(name)
    text = inspect.getdoc(inspect.getmodule(method.run))
    assert "Needs" in text and "Cost" in text
    assert method.config.__doc__ and method.run.__doc__


@pytest.mark.parametrize("name", CLASS_METHODS)
@pytest.mark.parametrize("classes", [[0, 3], [0, 1, 2]], ids=["non-contiguous", "one class left"])
def test_unusual_forget_sets(name, classes, network, data):
    out = run(name, network(name), kit.tasks.forget_classes(data, classes))
    assert all(torch.isfinite(v).all() for v in out.model.state_dict().values())


@pytest.mark.parametrize("name", [n for n in kit.methods.names("sample") if n in CLASS_METHODS])
def test_serves_single_images(name, network, data):
    model = network(name)
    out = run(name, model, kit.tasks.forget_samples(data, range(0, 240, 12)))
    after = out.model.state_dict()
    assert all(torch.isfinite(v).all() for v in after.values())
    assert any(not torch.equal(v, after[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize("name", METHODS)
def test_refuses_a_model_with_other_outputs(name, asked):
    ten = kit.models.build("resnet8", replace_classes(asked(name).data, 10), width=4)
    with pytest.raises(ValueError, match="10.*4 classes"):
        kit.unlearn(name, ten, asked(name))


def replace_classes(data, count):
    return replace(data, classes=[str(c) for c in range(count)])


@pytest.mark.parametrize("name", METHODS)
def test_refuses_unknown_settings_and_levels(name, network, data, asked):
    with pytest.raises(ValueError, match="has no setting"):
        kit.unlearn(name, network(name), asked(name), no_such_setting=1)
    if "sample" not in kit.methods.get(name).level:
        with pytest.raises(ValueError, match="serves"):
            kit.unlearn(name, network(name), kit.tasks.forget_samples(data, [0, 5]))


def test_retrain_is_fresh(original, task):
    """Every parameter is new, not the last layer alone."""
    after = dict(run("retrain", original, task, seed=5).model.named_parameters())
    for key, value in original.named_parameters():
        similarity = torch.cosine_similarity(value.flatten(), after[key].flatten(), dim=0)
        assert not torch.equal(value, after[key])
        if value.dim() == 4:
            assert similarity < 0.5, f"{key} resembles the original"


def test_retrain_equals_training_from_scratch(outcome, task):
    model = kit.models.build("resnet8", task, width=8, seed=0)
    kit.fit(model, task.retain, TOY_RECIPE, seed=0)
    for key, value in outcome("retrain")[0].model.state_dict().items():
        assert torch.equal(value, model.state_dict()[key])


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


def test_unknown_method():
    with pytest.raises(ValueError, match="unknown method 'unsri'.*unsir"):
        kit.methods.get("unsri")

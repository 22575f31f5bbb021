"""Contracts: what every method owes its users, each born from a defect in published code.

``check("my_method")`` holds a method against all that apply to the levels it serves. The request
is a toy that trains in a second; a method whose defaults are meant for larger ones registers
settings for it (``toy=``).
"""

import copy
import inspect
import re
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from kit import datasets, metrics, models
from kit.methods.access import TaskView
from kit.methods.registry import Method, get
from kit.methods.toy import IMAGES, Case, feature_alone, toy_feature_original, toy_feature_task
from kit.methods.unlearn import Unlearned, unlearn
from kit.tasks import forget_classes, forget_samples

FORGET, RETAIN = 0.1, 0.9  # at most, at least: the accuracies of a method that does its job
FEATURE = 0.75  # of the flip rate before: at most


class BrokenContract(AssertionError):
    """A method does not do what every method must."""


def check(name: str, *, network: nn.Module | None = None) -> None:
    """Hold the method ``name`` against every contract that applies to it.

    Parameters
    ----------
    network
        for methods that take networks of a kind of their own: one trained on ``toy_task()``.

    Raises
    ------
    BrokenContract
        names each contract that is broken, and what was found.
    ValueError
        an unknown method, or one that needs a ``network``.
    """
    case = Case(name, network)
    _ = case.network  # refuses before anything runs
    broken = []
    for contract in contracts(name):
        try:
            contract(case)
        except BrokenContract as error:
            broken.append(f"  {contract.__name__}: {error}")
        except Exception as error:  # of the method itself: no less a fault, and not the last
            broken.append(f"  {contract.__name__}: {type(error).__name__}: {error}")
    if broken:
        raise BrokenContract("\n".join([f"{name} breaks {len(broken)} contracts:", *broken]))


def contracts(name: str) -> list[Callable[["Case"], None]]:
    """The contracts that apply to a method, each a function of its ``Case``."""
    method = get(name)
    return [run for run, applies in _CONTRACTS.items() if applies(method)]


def _serves(level: str) -> Callable[[Method], bool]:
    """Whether a method serves a level, and not features alone."""
    return lambda method: level in method.level and not feature_alone(method)


def _always(method: Method) -> bool:
    return True


_CONTRACTS: dict[Callable[[Case], None], Callable[[Method], bool]] = {}


def contract(applies: Callable[[Method], bool] = _always) -> Callable[[Callable], Callable]:
    """Decorator: a function of a ``Case`` becomes a contract of the methods it applies to."""

    def decorate(run: Callable) -> Callable:
        _CONTRACTS[run] = applies
        return run

    return decorate


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BrokenContract(otherwise)


def _require_equal(case: Case, again: Unlearned, otherwise: str) -> None:
    """The same weights as the case's outcome, to the last bit."""
    state = again.model.state_dict()
    for key, value in case.outcome.model.state_dict().items():
        same = key in state and torch.equal(value, state[key])
        _require(same, f"{otherwise} ({key} differs)")


@contract()
def moves_weights(case: Case) -> None:
    """A method that changes nothing has forgotten nothing."""
    after = dict(case.outcome.model.named_parameters())
    same = [n in after and torch.equal(p, after[n]) for n, p in case.network.named_parameters()]
    _require(not all(same), "it changed no parameter")


@contract()
def leaves_the_input_model(case: Case) -> None:
    """The network that was handed in stays as it is, buffers included."""
    _ = case.outcome
    after = case.network.state_dict()
    changed = [k for k, v in case.before.items() if not torch.equal(v, after[k])]
    _require(not changed, f"it changed the network that it was given: {', '.join(changed)}")


@contract()
def repeats_itself(case: Case) -> None:
    """Same seed, same weights."""
    _require_equal(case, case.run(), "the same seed gave other weights")


@contract()
def returns_a_finite_model_in_eval_mode(case: Case) -> None:
    """Same architecture, finite weights, ready to predict and to be trained again."""
    model = case.outcome.model
    _require(not any(m.training for m in model.modules()), "a module is left in training mode")
    frozen = [[p.requires_grad for p in m.parameters()] for m in (model, case.network)]
    _require(frozen[0] == frozen[1], "parameters are not frozen as they were before")
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (model, case.network)]
    _require(shapes[0] == shapes[1], "the network that comes out has another architecture")
    _finite(case.outcome)


@contract(lambda method: method.takes is nn.Module)
def keeps_what_is_frozen(case: Case) -> None:
    """Parameters that their owner has frozen stay as they are, and stay frozen."""
    network = copy.deepcopy(case.network)
    before = dict(network.named_parameters())
    frozen = list(before)[: len(before) // 2]
    for name in frozen:
        before[name].requires_grad_(False)
    after = dict(case.run(network=network).model.named_parameters())
    changed = [name for name in frozen if not torch.equal(before[name], after[name])]
    _require(not changed, f"it changed what was frozen: {', '.join(changed)}")


@contract(_serves("class"))
def does_its_job(case: Case) -> None:
    """The class is gone from the answers, the others stay."""
    row = metrics.evaluate(case.outcome.model, case.task)
    forget, retain = row["forget_accuracy"], row["retain_accuracy"]
    _require(forget <= FORGET, f"accuracy on the forgotten class is {forget}, above {FORGET}")
    _require(retain >= RETAIN, f"accuracy on the retained classes is {retain}, below {RETAIN}")


@contract(lambda method: "feature" in method.level)
def makes_the_feature_count_less(case: Case) -> None:
    """Behind the method's filter, if it ships one: raw images are another matter."""
    task, original = toy_feature_task(), toy_feature_original()
    out = case.outcome if feature_alone(case.method) else case.run(task, original)
    before = metrics.counterfactual(original, task.pairs())["flip_rate"]
    after = metrics.counterfactual(out.model, task.pairs(), out.filter)["flip_rate"]
    _require(after < FEATURE * before, f"it decides {after:.0%} of answers, {before:.0%} before")


@contract()
def counts_its_costs(case: Case) -> None:
    """Seconds, and a pass for every image that a network sees, of kinds that were declared."""
    out, needs = case.outcome, case.needs
    _require(out.seconds > 0, "it took no time")
    _require(all(n > 0 for n in out.passes.values()), f"passes of none: {out.passes}")
    sees = bool(needs.retain or needs.forget or needs.train)
    _require(bool(out.passes) == sees, f"needs ({needs}), but its passes are {out.passes}")
    declared = [kind for kind in ("retain", "forget", "train") if getattr(needs, kind)]
    kinds = {*declared, "synthetic"} | ({"train"} if len(declared) > 1 else set())
    kinds |= {"validation"} if needs.validation else set()
    other = [name for name in out.passes if name.rpartition("_")[0] not in kinds]
    _require(not other, f"it counted {', '.join(other)}, and needs ({needs})")


@contract()
def leaves_the_data_and_the_random_numbers(case: Case) -> None:
    """The images and labels stay as they are, and so do the random numbers of the process."""
    _ = case.outcome
    _require(not case.disturbed, f"it changed {', '.join(case.disturbed)}")


@contract(lambda method: not feature_alone(method))
def reads_only_what_it_declares(case: Case) -> None:
    """All that is not declared, the test images first, is poisoned: the weights stay the same."""
    data, needs = case.task.data, case.needs
    view = TaskView(case.task, needs, seed=0)
    hidden = torch.ones(len(data.train_x), dtype=torch.bool)
    for kind in ("retain", "forget", "train"):
        if getattr(needs, kind):
            hidden[getattr(view, kind).rows] = False
    if needs.validation:
        hidden[view.validation.rows] = False
    x = data.train_x.clone()
    x[hidden] = 255 - x[hidden]
    poisoned = replace(data, name="poisoned", train_x=x, test_x=255 - data.test_x)
    vars(poisoned)["statistics"] = data.statistics  # public constants, kept
    _require_equal(case, case.run(case.asked(poisoned)), "it read data that it did not declare")


@contract(feature_alone)
def reads_only_the_views_it_declares(case: Case) -> None:
    """Test and redrawn images, annotations and counterfactuals are poisoned where not declared."""
    needs, true = case.needs, case.task

    def inverted(split: datasets.split.Split) -> datasets.split.Split:
        return replace(split, pixels=255 - split.pixels)

    request = replace(
        true, test=inverted(true.test), test_retain=inverted(true.test),
        retain=inverted(true.retain),
        annotations=true.annotations if needs.annotations else 1 - true.annotations,
    )  # fmt: skip
    twins = true.counterfactuals
    vars(request)["counterfactuals"] = twins if needs.counterfactuals else inverted(twins)
    _require_equal(case, case.run(request), "it read what it did not declare")


@contract()
def names_no_device_path_or_data_set(case: Case) -> None:
    """A method works wherever its tensors are, on whatever images they hold."""
    code = re.sub(r'"""[\s\S]*?"""', "", _source(case)).lower()
    words = [r"\bcuda\b", r"\.cpu\(\)", r"\bopen\(", r"\bpath\(", r"\bprint\("]
    words += [rf"\b{re.escape(name)}\b" for name in datasets.names()]
    found = [match[0] for word in words if (match := re.search(word, code))]
    _require(not found, f"its code names {', '.join(found)}")


@contract()
def is_documented(case: Case) -> None:
    """What it needs and costs stands at the head of its file."""
    head = _source(case).lstrip().split('"""')[1:2]
    absent = [word for word in ("Needs", "Cost") if word not in "".join(head)]
    _require(not absent, f"the head of its file does not say its {' and '.join(absent)}")
    _require(bool(case.method.config.__doc__), "its Config has no docstring")
    _require(bool(case.method.run.__doc__), "its function has no docstring")


@contract(_serves("class"))
def serves_classes_that_are_not_neighbours(case: Case) -> None:
    _finite(case.run(forget_classes(case.task.data, [0, 3])))


@contract(_serves("class"))
def leaves_a_single_class(case: Case) -> None:
    _finite(case.run(forget_classes(case.task.data, [0, 1, 2])))


@contract(_serves("sample"))
def serves_single_images(case: Case) -> None:
    _finite(out := case.run(forget_samples(case.task.data, IMAGES)))
    after = out.model.state_dict()
    moved = any(not torch.equal(v, after[k]) for k, v in case.network.state_dict().items())
    _require(moved, "asked to forget single images, it changed nothing")


@contract()
def refuses_a_network_with_other_outputs(case: Case) -> None:
    ten = replace(case.task.data, classes=[str(c) for c in range(10)])
    network = models.build("resnet8", ten, width=4)
    _refuses(lambda: unlearn(case.name, network, case.task), "10.*4 classes")


@contract()
def refuses_unknown_settings_and_levels(case: Case) -> None:
    _refuses(
        lambda: unlearn(case.name, case.network, case.task, no_such_setting=1), "has no setting"
    )
    if "sample" not in case.method.level:
        samples = forget_samples(case.task.data, [0, 5])
        _refuses(lambda: unlearn(case.name, case.network, samples), "serves")


def _source(case: Case) -> str:
    try:
        return inspect.getsource(inspect.getmodule(case.method.run))
    except (OSError, TypeError):
        raise BrokenContract("its source cannot be read: write it in a file of its own") from None


def _finite(out: Unlearned) -> None:
    finite = all(torch.isfinite(v).all() for v in out.model.state_dict().values())
    _require(finite, "weights are infinite or NaN")


def _refuses(call: Callable[[], object], words: str) -> None:
    try:
        call()
    except ValueError as error:
        _require(bool(re.search(words, str(error))), f"the refusal does not say why: {error}")
        return
    raise BrokenContract(f"it did not refuse: no ValueError with the words {words!r}")

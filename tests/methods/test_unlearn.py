"""``unlearn``: what any method leaves as it was, and what is refused."""

import importlib
import math

import pytest

import kit
from kit.methods.unsir import Config
from kit.training import History
from tests.conftest import same

TOGETHER = ("neg_grad", "random_labels", "salun", "l1_sparse", "bad_teacher", "scrub",
            "boundary_shrink", "finetune")  # fmt: skip


@pytest.mark.parametrize("name", TOGETHER)
def test_without_steps_the_network_stays(name, original, task, monkeypatch):
    """Everything around the training leaves weights and BatchNorm's statistics as they were."""
    file = "random_labels" if name == "salun" else name
    module = importlib.import_module(f"kit.methods.{file}")
    monkeypatch.setattr(module, "fit", lambda *args, **options: History(loss=[0.0]))
    options = {"epsilon": 0.3} if name == "boundary_shrink" else {}
    assert same(original, kit.unlearn(name, original, task, **options).model)


@pytest.mark.parametrize(
    "name, options", [("ssd", {"alpha": math.inf}), ("fisher", {"alpha": 0.0, "surgery": False})]
)
def test_no_change_asked_for_is_no_change(name, options, original, task):
    assert same(original, kit.unlearn(name, original, task, **options).model)


def test_unlearn_refuses_mixed_settings(original, task):
    with pytest.raises(ValueError, match="not both"):
        kit.unlearn("unsir", original, task, config=Config(), variant="code")
    with pytest.raises(ValueError, match="Config of its own file"):
        kit.unlearn("finetune", original, task, config=Config())

"""Fine-tuning, and what equals it."""

import pytest

import kit
from tests.conftest import same

SMALL = {"epochs": 2, "batch_size": 32}


@pytest.mark.parametrize(
    "name, options",
    [
        ("l1_sparse", {"gamma": 0.0}),
        ("neg_grad", {"alpha": 1.0}),
        ("scrub", {"alpha": 0.0, "max_epochs": 0, "optimizer": "sgd"}),
    ],
)
def test_equals_finetuning_where_its_own_term_is_nothing(name, options, original, task):
    recipe = SMALL | {"lr": 0.02}
    expected = kit.unlearn("finetune", original, task, **recipe).model
    assert same(expected, kit.unlearn(name, original, task, **recipe, **options).model)


@pytest.mark.parametrize("method", ["finetune", "retrain"])
def test_baselines_take_the_same_share(original, task, method):
    recipe = {"recipe": kit.Recipe(epochs=1, bf16=False)} if method == "retrain" else {"epochs": 1}
    out = kit.unlearn(method, original, task, amount="10 %", **recipe)
    assert out.passes == {"retain_forward": 18, "retain_backward": 18}


def test_finetuning_with_distillation_stays_nearer(original, task):
    options = {"epochs": 6, "lr": 0.05, "batch_size": 32, "amount": "50 %"}
    free = kit.unlearn("finetune", original, task, **options).model
    held = kit.unlearn("finetune", original, task, **options, distillation=1.0).model
    near, far = (
        kit.metrics.js_divergence(
            kit.predict(m, task.test_retain), kit.predict(original, task.test_retain)
        )
        for m in (held, free)
    )
    assert near < far

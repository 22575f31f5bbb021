"""Many networks trained as one."""

import dataclasses

import pytest

import kit
from kit import shadows
from kit.training.ensemble import fit_ensemble
from tests.conftest import TOY_RECIPE, largest_difference

SHORT = dataclasses.replace(shadows.RECIPE, epochs=2)


@pytest.mark.parametrize("augment", [kit.Recipe().augment, kit.Recipe().augment.__class__(1, True)])
@pytest.mark.parametrize("name", ["lenet", "resnet8"])
def test_ensemble_equals_one_after_the_other(data, name, augment):
    epochs = 4 if name == "lenet" else 1  # two steps: BatchNorm blows rounding up step by step
    batch_size = 32 if name == "lenet" else 120
    recipe = dataclasses.replace(
        TOY_RECIPE, epochs=epochs, batch_size=batch_size, augment=augment, label_smoothing=0.1
    )
    tasks = [kit.tasks.forget_samples(data, [i, 60 + i]) for i in range(3)]
    one, all_at_once = (
        [kit.models.build(name, data, seed=i, width=4) for i in range(3)] for _ in range(2)
    )
    histories = fit_ensemble(all_at_once, [t.retain for t in tasks], recipe, seeds=[5, 6, 7])
    for i, model in enumerate(one):
        history = kit.fit(model, tasks[i].retain, recipe, seed=5 + i)
        assert largest_difference(model, all_at_once[i]) < 1e-3
        assert history.loss == pytest.approx(histories[i].loss, abs=1e-4)
        assert history.steps == histories[i].steps and not all_at_once[i].training


def test_ensemble_refuses(data):
    models = [kit.models.build("lenet", data, seed=i) for i in range(2)]
    splits = [kit.tasks.forget_samples(data, rows).retain for rows in ([0], [0, 1])]
    with pytest.raises(ValueError, match="one size"):
        fit_ensemble(models, splits, SHORT, seeds=[0, 1])
    with pytest.raises(ValueError, match="one split and one seed"):
        fit_ensemble(models, splits, SHORT, seeds=[0])
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        hot = dataclasses.replace(SHORT, lr=1e9)
        fit_ensemble(models, [splits[0]] * 2, hot, seeds=[0, 1])

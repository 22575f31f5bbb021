"""Shadow models: ensembles, plans, backends, resumption, and attacks that must win."""

import dataclasses

import pytest
import torch

import kit
from kit import shadows
from kit.metrics import exposure, population_attack, u_lira, u_lira_interval
from kit.training import cache
from kit.training.ensemble import fit_ensemble
from tests.conftest import TOY_RECIPE

SHORT = dataclasses.replace(shadows.RECIPE, epochs=2)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    return tmp_path


def largest_difference(model, other):
    pairs = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    return max((a - b).abs().max().item() for a, b in pairs)


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


def test_plan_of_halves(data):
    plan = shadows.halves(data, shadows=6, per_class=40, targets_per_class=10, forget=8)
    labels = data.train_y[plan.pool]
    for row in plan.trained:
        assert torch.bincount(labels[row]).tolist() == [20, 20, 20, 20]
    assert (plan.forget.sum(1) == 8).all() and not (plan.forget & ~plan.trained).any()
    assert not (plan.unlearned & plan.never).any()
    request = plan.task(2)
    assert len(request.train) == 80 and len(request.forget) == 8 and len(request.retain) == 72
    assert len(plan.target_images()) == plan.targets.sum() == 40

    plan = shadows.halves(data, shadows=4, per_class=40, classes=[1])
    assert (plan.unlearned | plan.never).all()  # each target was forgotten or never seen
    assert plan.task(0).forget.y.unique().tolist() == [1]
    for wrong, message in (
        ({"per_class": 61}, "per_class"),
        ({"shadows": 3}, "need 4 to"),
        ({"forget": 50}, "quarter"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            shadows.halves(data, **{"per_class": 40, "targets_per_class": 10, "forget": 8} | wrong)


def test_plan_of_repeats(task):
    plan = shadows.repeats(task, shadows=3)
    assert torch.equal(plan.task(0).forget.rows, task.forget.rows)
    assert torch.equal(plan.task(2).retain.rows, task.retain.rows)
    assert plan.unlearned.all()


def test_a_killed_run_continues(data, empty_cache, monkeypatch):
    plan = shadows.halves(data, shadows=5, per_class=20, classes=[1])
    first, file = cache.place("lenet", plan.task(3), on="train", seed=3, recipe=SHORT)
    made = cache.trained("lenet", plan.task(3), seed=3, recipe=SHORT)
    trained = []
    real = shadows.training.fit_ensemble

    def counting(models, splits, recipe, *, seeds):
        trained.extend(seeds)
        if 4 in seeds:
            raise KeyboardInterrupt
        return real(models, splits, recipe, seeds=seeds)

    monkeypatch.setattr(shadows.training, "fit_ensemble", counting)
    with pytest.raises(KeyboardInterrupt):
        shadows.train(plan, recipe=SHORT, workers=2)
    assert trained == [0, 1, 2, 4]  # 3 was there
    monkeypatch.setattr(shadows.training, "fit_ensemble", real)
    written = {f: f.stat().st_mtime_ns for f in empty_cache.glob("*.pt")}
    models = shadows.train(plan, recipe=SHORT, workers=2)
    assert len(models) == 5 and largest_difference(models[3], made) == 0
    assert {f: f.stat().st_mtime_ns for f in written} == written


def test_backends_agree(data, empty_cache, monkeypatch):
    plan = shadows.halves(data, shadows=4, per_class=20, classes=[1])
    made = {}
    for backend in ("ensemble", "serial", "loky"):
        monkeypatch.setenv("KIT_CACHE", str(empty_cache / backend))
        made[backend] = shadows.train(plan, recipe=SHORT, backend=backend, workers=2)
    for backend in ("serial", "loky"):
        for ours, theirs in zip(made["ensemble"], made[backend], strict=True):
            assert largest_difference(ours, theirs) < 1e-4
    with pytest.raises(ValueError, match="ensemble, serial"):
        shadows.train(plan, backend="magic")


def test_dask_cluster(data, empty_cache):
    dask = pytest.importorskip("dask.distributed", reason="the extra [scale] is not installed")
    plan = shadows.halves(data, shadows=4, per_class=20, classes=[1])
    with pytest.raises(ValueError, match="needs a cluster"):
        shadows.train(plan, recipe=SHORT, backend="dask")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with dask.LocalCluster(**options) as cluster, dask.Client(cluster):
        models = shadows.train(plan, recipe=SHORT, backend="dask", workers=2)
    serial = [kit.models.build("lenet", data, seed=i) for i in range(4)]
    for i, model in enumerate(serial):
        kit.fit(model, plan.task(i).train, SHORT, seed=i)
        assert largest_difference(model, models[i]) < 1e-4


def test_ray_cluster(data, empty_cache, monkeypatch):
    monkeypatch.setenv("RAY_worker_niceness", "0")  # else a busy machine starves the workers
    ray = pytest.importorskip("ray", reason="the extra [scale] is not installed")
    plan = shadows.halves(data, shadows=4, per_class=20, classes=[1])
    with pytest.raises(ValueError, match="needs a cluster"):
        shadows.train(plan, recipe=SHORT, backend="ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        models = shadows.train(plan, recipe=SHORT, backend="ray", workers=2)
    finally:
        ray.shutdown()
    assert len(models) == 4 and len(list(empty_cache.glob("*.pt"))) == 4


@pytest.fixture(scope="module")
def over_fitted():
    """Sixteen networks that know 1,000 images each by heart, and the same retrained."""
    data = kit.datasets.load("fashion-mnist-mini")
    plan = shadows.halves(data, shadows=16, per_class=200, classes=[3])
    margins = {name: shadows.margins(plan, name) for name in ("original", "retrain", "logit_mask")}
    return plan, margins


def test_u_lira_wins_where_it_must(over_fitted):
    plan, margins = over_fitted
    masks = plan.unlearned, plan.never
    strong, weak = (
        u_lira(margins["original"], *masks),
        population_attack(margins["original"], *masks),
    )
    assert strong.auc >= 0.70
    assert strong.tpr(0.01) > weak.tpr(0.01)


def test_u_lira_is_at_chance_against_retraining(over_fitted):
    plan, margins = over_fitted
    low, high = u_lira_interval(margins["retrain"], plan.unlearned, plan.never)
    assert low < 0.5 < high


def test_u_lira_sees_through_the_mask(over_fitted):
    """Accuracy on the class is 0; which of its images were trained on is still to be read off."""
    plan, margins = over_fitted
    assert (margins["logit_mask"] < 0).all()
    assert u_lira(margins["logit_mask"], plan.unlearned, plan.never).auc >= 0.70


def test_an_audit_says_how_sure_of_the_forgotten_images_the_networks_are(over_fitted):
    data = over_fitted[0].data
    sure = {name: shadows.audit(data, [3], name, {})[1] for name in ("original", "logit_mask")}
    assert sure["original"]["forget_confidence"] > 0.9
    assert sure["logit_mask"]["forget_confidence"] < 1e-4


def test_a_planted_leak_is_found(over_fitted):
    """A retrained model that learns one forgotten image by heart gives just that image away."""
    plan = shadows.halves(over_fitted[0].data, shadows=16, per_class=200)
    margins = shadows.margins(plan, "retrain")
    asked, request = plan.target_images(), plan.task(0)
    forgotten = plan.unlearned[0].nonzero().flatten()
    planted = forgotten[margins[0, forgotten].argmin()]  # what only memory can get right
    leaky = cache.trained("lenet", request, on="retain", seed=kit.training.profiles.RETRAIN_SEED,
                          recipe=shadows.RECIPE)  # fmt: skip
    recipe = dataclasses.replace(shadows.RECIPE, epochs=5)
    kit.fit(leaky, [request.retain, asked.take(planted.repeat(8))], recipe)
    said = kit.metrics.scores.margin(kit.predict(leaky, asked), asked.y)
    before, after = (
        exposure(margins[1:], plan.never[1:], m)[forgotten] for m in (margins[0], said)
    )
    assert forgotten[after.argmax()] == planted
    assert after.max() > 4 > before.max()  # standard deviations of never-seen models

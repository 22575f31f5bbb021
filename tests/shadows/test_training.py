"""Shadow models: killed and resumed, and the same wherever they are trained."""

import dataclasses

import pytest

import kit
from kit import shadows
from kit.training import cache
from tests.conftest import largest_difference

SHORT = dataclasses.replace(shadows.RECIPE, epochs=2)


def test_a_killed_run_continues(data, cached, monkeypatch):
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
    written = {f: f.stat().st_mtime_ns for f in cached.glob("*.pt")}
    models = shadows.train(plan, recipe=SHORT, workers=2)
    assert len(models) == 5 and largest_difference(models[3], made) == 0
    assert {f: f.stat().st_mtime_ns for f in written} == written


def test_retrained_shadows_share_no_seed_with_the_originals(data, cached, monkeypatch):
    trained = []

    def noted(models, splits, recipe, *, seeds):
        trained.append((seeds, [split.kind for split in splits]))
        raise KeyboardInterrupt

    monkeypatch.setattr(shadows.training, "fit_ensemble", noted)
    plan = shadows.halves(data, shadows=4, per_class=20, classes=[1])
    for on in ("train", "retain"):
        with pytest.raises(KeyboardInterrupt):
            shadows.train(plan, recipe=SHORT, on=on)
    first = cache.RETRAIN_SEED
    assert trained[0] == ([0, 1, 2, 3], ["train"] * 4)
    assert trained[1] == ([first, first + 1, first + 2, first + 3], ["retain"] * 4)


@pytest.mark.cluster
def test_backends_agree(data, cached, monkeypatch):
    plan = shadows.halves(data, shadows=4, per_class=20, classes=[1])
    made = {}
    for backend in ("ensemble", "serial", "loky"):
        monkeypatch.setenv("KIT_CACHE", str(cached / backend))
        made[backend] = shadows.train(plan, recipe=SHORT, backend=backend, workers=2)
    for backend in ("serial", "loky"):
        for ours, theirs in zip(made["ensemble"], made[backend], strict=True):
            assert largest_difference(ours, theirs) < 1e-4
    with pytest.raises(ValueError, match="ensemble, serial"):
        shadows.train(plan, backend="magic")


@pytest.mark.cluster
def test_dask_cluster(data, cached, dask_cluster):
    from dask.distributed import Client

    plan = shadows.halves(data, shadows=4, per_class=20, classes=[1])
    with pytest.raises(ValueError, match="needs a cluster"):
        shadows.train(plan, recipe=SHORT, backend="dask")
    with Client(dask_cluster):
        models = shadows.train(plan, recipe=SHORT, backend="dask", workers=2)
    serial = [kit.models.build("lenet", data, seed=i) for i in range(4)]
    for i, model in enumerate(serial):
        kit.fit(model, plan.task(i).train, SHORT, seed=i)
        assert largest_difference(model, models[i]) < 1e-4


@pytest.mark.cluster
def test_ray_cluster(data, cached, ray_cluster):
    import ray

    plan = shadows.halves(data, shadows=4, per_class=20, classes=[1])
    with pytest.raises(ValueError, match="needs a cluster"):
        shadows.train(plan, recipe=SHORT, backend="ray")
    ray.init(ray_cluster, log_to_driver=False)
    try:
        models = shadows.train(plan, recipe=SHORT, backend="ray", workers=2)
    finally:
        ray.shutdown()
    assert len(models) == 4 and len(list(cached.glob("*.pt"))) == 4

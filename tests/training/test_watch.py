"""Who looks on changes nothing."""

import time

import torch

import kit
from kit.runtime.cost import measure
from kit.training.watch import watch
from tests.conftest import TOY_RECIPE


def small(task, **options):
    return kit.models.build("resnet8", task, width=4, **options)


def test_a_watched_training_is_the_same_and_costs_the_same(task, monkeypatch):
    alone, seen = small(task), small(task)
    with measure() as cost:
        kit.fit(alone, task.train, TOY_RECIPE)

    real, spent = time.perf_counter, []
    monkeypatch.setattr(time, "perf_counter", lambda: real() + sum(spent))

    def slow_look(model):
        spent.append(1000)  # seconds
        return {"accuracy": (kit.predict(model, task.test).argmax(1) == task.test.y).float().mean()}

    with measure() as watched, watch(slow_look) as looks:
        history = kit.fit(seen, task.train, TOY_RECIPE)
    assert len(looks) == len(history.looks) == 6
    assert all(
        torch.equal(p, q) for p, q in zip(alone.parameters(), seen.parameters(), strict=True)
    )
    assert watched.passes == cost.passes
    assert history.seconds < 1000 and watched.seconds < 1000  # not one look counts

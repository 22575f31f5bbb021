"""Shadow models as one ensemble against one after the other, and the time of a full audit.

    make bench

Both ways train the same 32 networks of the quick profile's attacks on the same images; they take
turns. The audit is ``kit.evaluate(audits="full")`` of one unlearned model beside the retrained
model's row, which every comparison computes once.
"""

import dataclasses
import statistics
import time

import torch

import kit
from kit import shadows
from kit.runtime.device import device, device_name
from kit.training.ensemble import fit_ensemble

SHADOWS, ROUNDS = 32, 3
RECIPE = dataclasses.replace(shadows.RECIPE, epochs=6)


def ensemble(models, splits):
    fit_ensemble(models, splits, RECIPE, seeds=range(SHADOWS))


def one_by_one(models, splits):
    for seed, (model, split) in enumerate(zip(models, splits, strict=True)):
        kit.fit(model, split, RECIPE, seed=seed)


def seconds(work, *arguments) -> float:
    start = time.perf_counter()
    work(*arguments)
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def bench_shadows(data) -> None:
    plan = shadows.halves(data, shadows=SHADOWS)
    splits = [plan.task(i).train for i in range(SHADOWS)]
    taken = {"ensemble": [], "one by one": []}
    for number in range(ROUNDS + 1):  # the first round warms up
        for name, work in (("ensemble", ensemble), ("one by one", one_by_one)):
            models = [kit.models.build("lenet", data, seed=i) for i in range(SHADOWS)]
            spent = seconds(work, models, splits)
            if number:
                taken[name].append(spent)
    print(f"{SHADOWS} shadow models, lenet, {data.name}, {device_name()}")
    for name, values in taken.items():
        rate = SHADOWS * RECIPE.epochs * len(splits[0]) / statistics.median(values)
        print(f"{name:12} {statistics.median(values):6.1f} s  {rate:8.0f} images/s")
    ratios = [b / a for a, b in zip(taken["ensemble"], taken["one by one"], strict=True)]
    print(f"ensemble is {statistics.median(ratios):.2f} times as fast")


def bench_audit(profile, data) -> None:
    task = kit.tasks.forget_classes(data, [3])
    original = kit.trained(profile.model, task, recipe=profile.recipe)
    retrained = kit.retrained(profile.model, task, recipe=profile.recipe)
    full = {"reference": retrained, "original": original, "audits": "full"}
    reference_row = kit.evaluate(retrained, task, **full)
    for name in ("unsir", "logit_mask"):
        model = kit.unlearn(name, original, task).model
        spent = seconds(lambda m=model: kit.evaluate(m, task, **full, reference_row=reference_row))
        print(f"full audit of {name}: {spent:.1f} s")


if __name__ == "__main__":
    quick = kit.profile("quick")
    images = kit.datasets.load(quick.dataset)
    bench_shadows(images)
    bench_audit(quick, images)

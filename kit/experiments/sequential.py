"""Experiments of kind "sequential": requests in a row, each put to the network the last one left.

Each class of a list in ``forget`` is a request of its own, in that order. One record holds the
whole row. Its metrics are those after the last request, with that request alone to forget. Its
curves have one value a request: ``retain_accuracy`` on the classes that are still wanted,
``passes`` of that request, and of every class c that is asked for sooner or later
``forget_accuracy c`` and ``prototype_recall c``, among the means of all classes. The retrained
network starts from fresh weights at each request.
"""

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from kit.datasets import ImageData
from kit.experiments import one
from kit.experiments.experiment import Experiment, Outcome, Request, Run, digest
from kit.methods.unlearn import Unlearned
from kit.metrics import evaluate
from kit.metrics.inside.probes import prototype_recall
from kit.tasks import ForgetTask, forget_classes
from kit.training.cache import retrained, trained


def request(experiment: Experiment, data: ImageData, classes: list[int]) -> Request:
    """The requests for the classes, one after the other; their task is the last one's."""
    tasks = chain(data, classes)
    name = f"class:{' then '.join(map(str, classes))}"
    return Request(name, digest([task.fingerprint for task in tasks]), classes, tasks[-1])


def chain(data: ImageData, classes: list[int]) -> list[ForgetTask]:
    """A task for each class, the earlier ones honoured; ``ValueError`` for one asked for twice."""
    tasks = [forget_classes(data, classes[:1])]
    for later in classes[1:]:
        tasks.append(tasks[-1].then(classes=[later]))
    return tasks


def config(experiment: Experiment, arm: dict):
    """The settings of a method; ``ValueError`` for networks that no request can be put to."""
    if arm["method"] in ("clean", "untrained"):
        raise ValueError(f"{experiment.name}: {arm['method']} serves no requests in a row")
    return one.config(experiment, arm)


def measure(run: Run, root: Path) -> Outcome:
    """Serve the requests in turn, look at each network, judge the last one."""
    experiment, seed = run.experiment, run.seed
    tasks = chain(run.data, run.request.classes)
    name, options = run.network
    options |= {"recipe": experiment.full_recipe}
    original = trained(name, tasks[0], seed=seed, **options)
    golds = [retrained(name, task, seed=seed, **options) for task in tasks]
    outs, model = [], original
    for task, gold in zip(tasks, golds, strict=True):
        outs.append(one.serve(replace(run, request=Request.of(task)), model, gold))
        model = outs[-1].model
    reference = golds[-1]
    if run.arm == {"method": "retrain"}:  # another draw, not itself
        other = one.other_seed(experiment, seed)
        reference = None if other is None else retrained(name, tasks[-1], seed=other, **options)
    metrics = evaluate(
        model, tasks[-1], reference=reference, original=original, audits=experiment.audits,
        image_filter=outs[-1].filter, seed=seed,
    )  # fmt: skip
    return Outcome(tasks[-1], _total(run, outs), metrics, _curves(run, outs, tasks))


def _total(run: Run, outs: list[Unlearned]) -> Unlearned:
    """The last network at the cost of all requests; the original's training counts once."""
    counted = outs[:1] if run.arm == {"method": "original"} else outs
    passes = sum((Counter(out.passes) for out in counted), Counter())
    return replace(outs[-1], seconds=sum(out.seconds for out in counted), passes=dict(passes))


def _curves(run: Run, outs: list[Unlearned], tasks: list[ForgetTask]) -> dict[str, list[float]]:
    """What is seen after each request; no prototype recall of networks without features."""
    look, found = one.class_accuracies(tasks[0]), defaultdict(list)
    alone = {c: forget_classes(run.data, [c]) for c in run.request.classes}
    for out, task in zip(outs, tasks, strict=True):
        of_class = look(out.model)
        found["retain_accuracy"].append(fmean(of_class[c] for c in task.test_retain.y.tolist()))
        found["passes"].append(float(sum(out.passes.values())))
        for c, asked in alone.items():
            found[f"forget_accuracy {c}"].append(of_class[c])
            if hasattr(out.model, "features"):
                found[f"prototype_recall {c}"].append(prototype_recall(out.model, asked))
    return dict(found)

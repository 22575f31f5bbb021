"""Experiments of kind "federation": clients train together, then serve a request."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch import nn

from kit import models
from kit.datasets import ImageData
from kit.experiments.experiment import Experiment, Outcome, Request, Run, digest
from kit.experiments.one import class_accuracies, config, curves
from kit.federated.clients import in_process, split_dirichlet, split_iid
from kit.federated.server import Plan, Server
from kit.methods.unlearn import Unlearned
from kit.metrics import evaluate
from kit.runtime.cost import measure as measured
from kit.runtime.cost import paused
from kit.tasks import ForgetTask, forget_classes
from kit.training.cache import RETRAIN_SEED
from kit.training.watch import watch

__all__ = ["config", "measure", "request", "trial"]


def request(experiment: Experiment, data: ImageData, classes: list[int]) -> Request:
    """The request for classes, of a federation as the table says."""
    asked = Request.of(forget_classes(data, classes))
    return replace(asked, fingerprint=digest([asked.fingerprint, experiment.federation]))


def measure(run: Run, root: Path) -> Outcome:
    """Train the federation, serve the request, judge."""
    task, experiment = run.request.task, run.experiment
    model, options = experiment.network
    out, looks = trial(
        task, run.arm["method"], config(experiment, run.arm), class_accuracies(task), model=model,
        seed=run.seed, **experiment.federation, **options,
    )  # fmt: skip
    return Outcome(task, out, evaluate(out.model, task, seed=run.seed), curves(task, looks))


def trial(
    task: ForgetTask, method: str, config: object, look: Callable[[nn.Module], dict], *, model: str,
    seed: int, clients: int, rounds: int, tuning_rounds: int, alpha: float = 0.0,
    plan: dict | None = None, **options,
) -> tuple[Unlearned, list[dict]]:  # fmt: skip
    """The network that a federation ends with, its cost, and a look after each round.

    Parameters
    ----------
    method
        "original": ``rounds`` rounds on all classes; "retrain": as many on the retained ones, from
        fresh weights; "class_pruning": the original, pruned by ``config`` and tuned for
        ``tuning_rounds`` rounds. The cost of the original does not count for the last.
    alpha
        of the Dirichlet split; 0: even.
    plan
        settings of ``Plan``; ``options`` those of the network.
    """
    if method not in ("original", "retrain", "class_pruning"):
        raise ValueError(f"a federation has no method {method!r}")
    holdings = (
        split_dirichlet(task.train, clients, alpha, seed)
        if alpha
        else split_iid(task.train, clients, seed)
    )
    draw = RETRAIN_SEED + seed if method == "retrain" else seed
    network = models.build(model, task, seed=draw, **options)
    settings = Plan(**{"seed": draw, **(plan or {})})
    server = Server(network, range(clients), in_process(network, holdings), settings)
    with measured() as meter, watch(look) as looks:
        if method == "class_pruning":
            with paused():
                server.train(rounds)
            looks.clear()
            server.unlearn(task.forget_classes, tuning_rounds, config)
        else:
            server.train(rounds, without=task.forget_classes if method == "retrain" else ())
    out = Unlearned(method, network, config, seed, meter.seconds, dict(meter.passes))
    return out, looks

"""One arm of a federated experiment: train a federation, or retrain it, or let it unlearn."""

from collections.abc import Callable

from torch import nn

from kit import models
from kit.cost import measure, paused
from kit.federated.clients import in_process, split_dirichlet, split_iid
from kit.federated.server import Plan, Server
from kit.profiles import RETRAIN_SEED
from kit.tasks import ForgetTask
from kit.unlearning import Unlearned
from kit.watch import watch


def trial(
    task: ForgetTask, method: str, config, look: Callable[[nn.Module], dict], *, model: str,
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
    with measure() as meter, watch(look) as looks:
        if method == "class_pruning":
            with paused():
                server.train(rounds)
            looks.clear()
            server.unlearn(task.forget_classes, tuning_rounds, config)
        else:
            server.train(rounds, without=task.forget_classes if method == "retrain" else ())
    out = Unlearned(method, network, config, seed, meter.seconds, dict(meter.passes))
    return out, looks

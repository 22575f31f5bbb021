"""Server and client of a federation that trains on ``dataset`` and then forgets classes.

Every client cuts its own share out of the data set by its number; in a federation of hospitals each
would load what it has.
"""

from pathlib import Path

import torch
from flwr.app import Context

from kit import datasets, federated, models, tasks
from kit.federated import flower
from kit.metrics import evaluate


def share(context: Context):
    """This client's number, an untrained network, and its images."""
    config = context.run_config
    number = flower.client_number(context)
    data = datasets.load(config["dataset"])
    images = _task(data, config).train.per_class(config["per-class"], config["seed"])
    if config["alpha"] > 0:
        parts = federated.split_dirichlet(
            images, config["clients"], config["alpha"], config["seed"]
        )
    else:
        parts = federated.split_iid(images, config["clients"], config["seed"])
    if number >= len(parts):
        raise ValueError(f"client {number} is one too many: clients={len(parts)}")
    return number, _network(data, config), parts[number]


def serve(deliver: federated.server.Deliver, context: Context) -> None:
    """Train, forget, save."""
    config = context.run_config
    data = datasets.load(config["dataset"])
    task = _task(data, config)
    network = _network(data, config)
    plan = federated.Plan(
        lr=config["lr"],
        batch_size=config["batch-size"],
        min_clients=config["min-clients"],
        seed=config["seed"],
    )
    folder = Path(config["folder"])
    clients = range(config["clients"])
    server = federated.Server(network, clients, deliver, plan, folder=folder)
    server.train(config["rounds"])
    _tell("trained", network, task)
    server.unlearn(task.forget_classes, config["tuning-rounds"])
    _tell("unlearned", network, task)
    torch.save(network.state_dict(), folder / "network.pt")


def _task(data: datasets.ImageData, config: dict) -> tasks.ForgetTask:
    return tasks.forget_classes(data, [int(c) for c in str(config["forget"]).split()])


def _network(data: datasets.ImageData, config: dict) -> models.Classifier:
    return models.build(config["model"], data, seed=config["seed"])


def _tell(what: str, network: models.Classifier, task: tasks.ForgetTask) -> None:
    row = evaluate(network, task)
    forget, retain = row["forget_accuracy"], row["retain_accuracy"]
    print(f"{what}: forgotten classes {forget:.1%}, others {retain:.1%}", flush=True)


client = flower.client_app(share)
server = flower.server_app(serve)

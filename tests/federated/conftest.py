"""A toy federation, and what a Flower client of it holds."""

import copy
import os
from pathlib import Path

import torch

import kit
from kit import federated
from kit.datasets.toy import toy_data
from kit.federated import Plan, Server, in_process

PLAN = Plan(lr=0.05, batch_size=32, bf16=False)


def network(task, width=4):
    return kit.models.build("resnet8", task, width=width)


def federation(task, plan=PLAN, clients=4, wrap=lambda deliver: deliver, folder=None):
    model = network(task)
    deliver = in_process(model, federated.split_iid(task.train, clients))
    return Server(model, range(clients), wrap(deliver), plan, folder=folder)


class Mortal(torch.nn.Module):
    """A client's network: where the file exists, the client dies when it is asked for work."""

    def __init__(self, network: torch.nn.Module, file: str):
        super().__init__()
        self.network, self.file = network, file

    def __deepcopy__(self, memo):
        if Path(self.file).exists():
            raise RuntimeError("this client dies now")
        return copy.deepcopy(self.network)


def load_toy(context):
    """What a Flower client holds: a quarter of the toy images; the last client is mortal."""
    from kit.federated import flower

    task = kit.tasks.forget_classes(toy_data(), [1])
    number = flower.client_number(context)
    model = network(task)
    if number == 3:
        model = Mortal(model, os.environ["TOY_DEATH"])
    return number, model, federated.split_iid(task.train, 4)[number]

"""How images are spread over clients."""

import pytest
import torch

from kit import federated
from kit.federated.clients import answer_or_fault
from tests.federated.conftest import network


@pytest.mark.parametrize("alpha", [None, 0.05, 0.5, 100.0])
def test_splits_are_partitions(task, alpha):
    split = federated.split_iid if alpha is None else federated.split_dirichlet
    more = {} if alpha is None else {"alpha": alpha}
    parts = split(task.train, clients=7, seed=3, **more)
    rows = torch.cat([p.rows for p in parts])
    assert rows.sort().values.equal(task.train.rows.sort().values)
    assert all(len(p) for p in parts)
    again = split(task.train, clients=7, seed=3, **more)
    assert all(a.rows.equal(b.rows) for a, b in zip(parts, again, strict=True))


def test_small_alpha_is_uneven(task):
    def unevenness(alpha):
        parts = federated.split_dirichlet(task.train, 4, alpha, seed=0)
        shares = torch.stack([torch.bincount(p.y, minlength=4) / 60 for p in parts])
        return (shares - 0.25).abs().mean().item()

    assert unevenness(0.1) > 2 * unevenness(10.0)


@pytest.mark.parametrize("wrong", [0, 1000])
def test_refuses_clients_without_images(task, wrong):
    with pytest.raises(ValueError, match="can be spread over 1 to 240"):
        federated.split_iid(task.train, wrong)
    with pytest.raises(ValueError, match="alpha"):
        federated.split_dirichlet(task.train, 4, 0.0)


def test_a_client_says_what_it_cannot_do(task):
    model = network(task)
    request = federated.Request(2, "dance", model.state_dict(), {"round": 5, "without": []})
    with pytest.raises(ValueError, match="train"):
        federated.answer(request, model, task.train)
    reply = answer_or_fault(request, model, task.train)
    assert (reply.client, reply.round, reply.images, reply.tensors) == (2, 5, 0, {})
    assert reply.fault == 'ValueError: a request is "train" or "report", got \'dance\''

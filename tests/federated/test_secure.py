"""The secure sum is the sum."""

import pytest
import torch

from kit import federated
from kit.federated import Server
from kit.methods import class_pruning as cp
from tests.federated.conftest import PLAN, load_toy, network


@pytest.mark.cluster
def test_secure_sum_equals_the_means_of_all_images(task, one_thread, monkeypatch, tmp_path):
    """SecAgg+ over four clients, to the rounding of the protocol; then without one that died."""
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_ADDRESS", "local")  # a cluster of its own
    death = tmp_path / "death"
    monkeypatch.setenv("TOY_DEATH", str(death))
    flower = pytest.importorskip("kit.federated.flower")
    model, told = network(task), []

    def serve(deliver, context):
        server = Server(model, range(4), deliver, PLAN)
        told.append(server.report())
        death.touch()
        told.append(server.report())
        assert [line["answered"] for line in server.log] == [[flower.secure.TOGETHER]] * 2

    flower.simulate(serve, load_toy, clients=4, timeout=120, secure_bound=100.0)
    holdings = federated.split_iid(task.train, 4)
    expected = [cp.pooled([cp.class_means(model, h) for h in holdings[:n]]) for n in (4, 3)]
    for means, whole in zip(told, expected, strict=True):
        assert means.counts.equal(whole.counts)
        for name, mean in whole.means.items():
            assert torch.allclose(means.means[name], mean, atol=1e-5), name

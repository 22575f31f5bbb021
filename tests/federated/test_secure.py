"""The secure sum is the sum."""

from types import SimpleNamespace

import pytest
import torch

from kit import federated
from kit.federated import Request, Server
from kit.methods import class_pruning as cp
from kit.parts.class_means import class_means
from tests.federated.conftest import PLAN, load_toy, network

REPORT = {"round": 0, "seed": 0, "without": [], "clip": 0.0, "noise": 0.0}


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


def test_a_client_sends_sums_and_the_server_adds_them(task, one_thread):
    """The parts of the protocol without the masks: sums of activations, and their total."""
    secure = pytest.importorskip("kit.federated.secure")
    model = network(task)
    request = Request(0, "report", model.state_dict(), REPORT)
    total = secure._Total([0], request)
    ((_, ask),) = total.configure_fit(0, None, None)
    message = SimpleNamespace(content=secure.compat.fitins_to_recorddict(ask, keep_input=True))
    told = secure.masked_report(message, 0, model, task.train)
    result = secure.compat.recorddict_to_fitres(told, keep_input=True)
    *sums, counts = secure.parameters_to_ndarrays(result.parameters)
    means = class_means(model, task.train)
    assert counts.tolist() == means.counts.tolist() == [60] * 4
    for sent, mean in zip(sums, means.means.values(), strict=True):
        assert torch.allclose(torch.from_numpy(sent), 60 * mean.double())
    total.aggregate_fit(0, [(None, result)] * 3, [])  # the protocol's mean over three clients
    assert total.sums[-1].tolist() == [180] * 4

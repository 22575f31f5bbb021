"""Flower gives what the loop in one process gives."""

from types import SimpleNamespace

import pytest

from kit.federated import Server
from tests.conftest import largest_difference
from tests.federated.conftest import PLAN, federation, load_toy, network


def simulate(serve):
    flower = pytest.importorskip("kit.federated.flower")
    flower.simulate(serve, load_toy, clients=4, timeout=120)


@pytest.mark.cluster
def test_flower_gives_the_weights_of_the_in_process_loop(task, one_thread, monkeypatch, tmp_path):
    """Three rounds, a report and a round after pruning with four clients; then one dies."""
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_ADDRESS", "local")  # a cluster of its own
    death = tmp_path / "death"
    monkeypatch.setenv("TOY_DEATH", str(death))
    theirs, here = network(task), federation(task)
    logs = []

    def serve(deliver, context):
        server = Server(theirs, range(4), deliver, PLAN)
        server.train(3)
        server.unlearn([1], rounds=1)
        compare(server)
        death.touch()
        server.train(1, phase="after a death")
        logs.append(server.log)

    def compare(server):
        here.train(3)
        here.unlearn([1], rounds=1)
        logs.append(largest_difference(server.model, here.model))

    simulate(serve)
    off, log = logs
    assert off < 1e-6
    mine = [(line["phase"], line["answered"], line["bytes_up"]) for line in here.log]
    assert [(x["phase"], x["answered"], x["bytes_up"]) for x in log[:-1]] == mine
    assert log[-1]["answered"] == [0, 1, 2]


def test_a_message_that_is_no_reply_is_left_out():
    flower = pytest.importorskip("kit.federated.flower")
    content = flower.RecordDict({"joke": flower.ConfigRecord({"a": 1})})
    sent = SimpleNamespace(content=content, metadata=SimpleNamespace(src_node_id=7))
    with pytest.warns(UserWarning, match="sent what is no reply"):
        assert flower._read_reply(sent) is None

"""The server: averaging, faulty clients, and a death in the middle."""

import math
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
import torch
from torch import nn

import kit
from kit.federated import Plan, Reply, Server, average, in_process
from kit.methods import class_pruning as cp
from kit.training.watch import watch
from tests.conftest import ROOT, largest_difference
from tests.federated.conftest import PLAN, federation, network


def test_average_is_weighted_by_images():
    replies = [
        Reply(0, 0, {"w": torch.tensor([1.0]), "n": torch.tensor(5)}, images=1),
        Reply(1, 0, {"w": torch.tensor([5.0]), "n": torch.tensor(7)}, images=3),
    ]
    state = average(replies)
    assert state["w"].item() == 4.0 and state["n"].item() == 5


def test_one_client_is_ordinary_training(task):
    """A federation of one client, one round: the same weights as kit.fit, BatchNorm included."""
    server = federation(task, clients=1)
    server.train(1)
    alone = network(task)
    recipe = kit.Recipe(
        epochs=1, lr=0.05, batch_size=32, schedule="constant", label_smoothing=0.0, bf16=False
    )
    kit.fit(alone, task.train, recipe, seed=0)
    assert largest_difference(server.model, alone) < 1e-6


def test_batchnorm_statistics_are_averaged(task):
    server = federation(task)
    before = server.model.bn.running_mean.clone()
    server.train(1)
    assert not server.model.bn.running_mean.equal(before)


@pytest.mark.slow
def test_learns_and_forgets(task):
    server = federation(task, replace(PLAN, lr=0.2, local_epochs=2))
    server.train(6)
    learnt = kit.evaluate(server.model, task)
    server.unlearn([1], rounds=4)
    after = kit.evaluate(server.model, task)
    assert learnt["forget_accuracy"] > 0.8 and after["forget_accuracy"] < 0.1
    assert after["retain_accuracy"] > 0.8
    phases = [line["phase"] for line in server.log]
    assert phases == ["train"] * 6 + ["report"] + ["without 1"] * 4
    assert server.log[6]["bytes_up"] < 0.2 * server.log[0]["bytes_up"]
    silent = sum(int(m.sum()) for m in server.pruned.values())
    assert silent > 0 and torch.count_nonzero(server.model.conv.weight[server.pruned["conv"]]) == 0


def test_each_class_is_reported_anew_and_then_left_out(task):
    """Two classes: the second report is of the pruned network, and nobody trains on either."""
    asked, answers = [], []

    def wrap(deliver):
        def noted(requests):
            asked.extend(requests)
            answers.extend(deliver(requests))
            return answers[-len(requests) :]

        return noted

    server = federation(task, wrap=wrap)
    server.unlearn([1, 2], rounds=1, config=cp.Config(share=0.3))
    assert [request.kind for request in asked] == ["report"] * 8 + ["train"] * 4
    silent = [int((r.state["conv.weight"].flatten(1) == 0).all(1).sum()) for r in asked]
    assert silent[0] == 0 < silent[4] <= silent[8]
    held = task.train.of_classes([0, 3])
    assert sum(reply.images for reply in answers[8:]) == len(held) == 120


def test_released_mask_lets_channels_grow_back(task):
    server = federation(task)
    server.train(1)
    server.unlearn([1], rounds=1, config=cp.Config(mask="released", batchnorm="kept", share=0.3))
    assert torch.count_nonzero(server.model.conv.weight[server.pruned["conv"]]) > 0


def test_a_released_mask_is_remembered(task, tmp_path):
    server = federation(task, folder=tmp_path)
    server.unlearn([1], rounds=1, config=cp.Config(mask="released", share=0.3))
    again = federation(task, folder=tmp_path)
    assert again.pruned["conv"].any() and again.pruned["conv"].equal(server.pruned["conv"])


def test_rounds_can_be_watched(task):
    server = federation(task)
    with watch(lambda model: {"accuracy": 0.5}) as looks:
        server.train(2)
    assert len(looks) == 2  # once a round, not in every client
    assert [line["accuracy"] for line in server.log] == [0.5, 0.5]


def test_a_fraction_of_the_clients_is_asked(task):
    server = federation(task, replace(PLAN, fraction=0.5))
    server.train(3)
    assert [line["asked"] for line in server.log] == [2, 2, 2]
    assert len({tuple(line["answered"]) for line in server.log}) > 1


def test_a_client_with_nothing_but_the_forgotten_class_is_left_out(task):
    model = network(task)
    holdings = [task.forget, task.retain]
    server = Server(model, range(2), in_process(model, holdings), PLAN)
    with pytest.warns(UserWarning, match="client 0 is left out: it has no images left"):
        server.unlearn([1], rounds=1)
    assert server.log[0]["answered"] == [0, 1]  # it reported
    assert server.log[1]["answered"] == [1]


def broken(change):
    """A deliver in which the last client's answer is changed; None: it does not answer."""

    def wrap(deliver):
        def faulty(requests):
            *good, bad = deliver(requests)
            changed = change(bad)
            return good + ([] if changed is None else [changed])

        return faulty

    return wrap


def with_tensor(reply, value):
    return replace(reply, tensors={**reply.tensors, "conv.weight": value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: with_tensor(r, r.tensors["conv.weight"] * math.nan), "NaN"),
        (lambda r: with_tensor(r, torch.zeros(3, 3)), r"shape \[3, 3\], not"),
        (lambda r: replace(r, tensors={"conv.weight": r.tensors["conv.weight"]}), "missing"),
        (lambda r: replace(r, round=r.round - 1), "too late"),
        (lambda r: replace(r, client=0), "answered twice"),
    ],
)
def test_a_bad_answer_is_left_out_and_the_round_goes_on(task, change, message):
    server = federation(task, wrap=broken(change))
    with pytest.warns(UserWarning, match=f"left out: .*{message}"):
        server.train(2)
    assert [line["answered"] for line in server.log] == [[0, 1, 2], [0, 1, 2]]
    three = Server(network(task), range(3), server.deliver.__closure__[1].cell_contents, PLAN)
    three.train(2)
    assert largest_difference(server.model, three.model) < 1e-6  # as if it had never been there


def test_bad_class_means_are_left_out(task):
    def spoil(reply):
        means = {k: v * math.nan if k == "conv" else v for k, v in reply.tensors.items()}
        return replace(reply, tensors=means)

    with pytest.warns(UserWarning, match="conv holds NaN"):
        means = federation(task, wrap=broken(spoil)).report()
    assert means.counts.sum() < len(task.train)


def test_a_client_that_dies_is_missed_and_nobody_waits(task):
    server = federation(task, wrap=broken(lambda reply: None))
    server.train(2)
    assert [line["answered"] for line in server.log] == [[0, 1, 2]] * 2


def test_too_few_answers_are_asked_again_and_then_an_error(task):
    calls = []

    def wrap(deliver):
        def silent(requests):
            calls.append(len(requests))
            return deliver(requests) if len(calls) == 3 else []

        return silent

    server = federation(task, replace(PLAN, min_clients=2), wrap=wrap)
    server.train(1)
    assert calls == [4, 4, 4] and len(server.log) == 1
    with pytest.raises(RuntimeError, match="0 of 4 clients.*3 attempts.*2 are needed"):
        server.train(1, phase="more")


def test_refuses_nonsense():
    for wrong in ({"fraction": 0.0}, {"min_clients": 0}, {"noise": 1.0}):
        with pytest.raises(ValueError):
            Plan(**wrong)


SCRIPT = """
    import os, signal, sys
    from kit import federated
    from kit.datasets.toy import toy_data
    from tests.federated.conftest import PLAN, network
    import kit

    task = kit.tasks.forget_classes(toy_data(), [1])
    model = network(task)
    answer = federated.in_process(model, federated.split_iid(task.train, 4))

    def deliver(requests):
        if requests[0].settings["round"] == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer(requests)

    server = federated.Server(model, range(4), deliver, PLAN, folder=sys.argv[1])
    server.train(3)
    server.unlearn([1], rounds=2)
"""


@pytest.mark.slow
def test_a_killed_server_goes_on_where_it_was(task, tmp_path, one_thread):
    """Killed in round 1, again after pruning in round 4, then left alone: as if never killed."""
    script = textwrap.dedent(SCRIPT)
    for die_in, code in ((1, -signal.SIGKILL), (4, -signal.SIGKILL), (-1, 0)):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path), str(die_in)], cwd=ROOT, check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == code
    steady = federation(task)
    steady.train(3)
    steady.unlearn([1], rounds=2)
    resumed = federation(task, folder=tmp_path)
    assert [line["phase"] for line in resumed.log] == [line["phase"] for line in steady.log]
    assert resumed.done == {"train": 3, "prune 1": 1, "without 1": 2}
    assert largest_difference(resumed.model, steady.model) < 1e-5
    with pytest.raises(ValueError, match="another plan"):
        federation(task, replace(PLAN, lr=0.5), folder=tmp_path)


def test_a_client_with_one_image_takes_part(task):
    """Where BatchNorm would see one value a channel, too."""

    def make():
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 8),
            nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4),
        )  # fmt: skip

    model = kit.models.wrap(make, task)
    holdings = [task.train.take(torch.arange(1)), task.train.take(torch.arange(1, 240))]
    server = Server(model, range(2), in_process(model, holdings), PLAN)
    server.train(2)
    server.unlearn([1], rounds=1)
    assert [line["answered"] for line in server.log] == [[0, 1]] * 4


def test_a_fault_of_one_client_is_its_own(task):
    """Its images hold NaN: the others go on as if it had never been there."""
    model = network(task)
    good = kit.federated.split_iid(task.train, 3)
    bad = replace(good[0], pixels=torch.full_like(good[0].pixels, torch.nan, dtype=torch.float32))
    server = Server(model, range(4), in_process(model, [*good, bad]), PLAN)
    with pytest.warns(UserWarning, match="client 3 is left out: ValueError: .*NaN"):
        server.train(2)
    three = Server(network(task), range(3), in_process(network(task), good), PLAN)
    three.train(2)
    assert [line["answered"] for line in server.log] == [[0, 1, 2]] * 2
    assert largest_difference(server.model, three.model) < 1e-6
    alone = Server(network(task), [0], in_process(model, [bad]), PLAN)
    with (
        pytest.warns(UserWarning, match="client 0 is left out: ValueError"),
        pytest.raises(RuntimeError, match="0 of 1 clients.*warnings say what was wrong"),
    ):
        alone.train(1)

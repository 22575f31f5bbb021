"""Federations: splits, averaging, faulty clients, a server that dies, Flower."""

import copy
import math
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import kit
from kit import federated
from kit.federated import Plan, Reply, Server, average, in_process
from kit.federated.privacy import private
from kit.methods import class_pruning as cp
from kit.training.watch import watch
from tests.conftest import toy_data

PLAN = Plan(lr=0.05, batch_size=32, bf16=False)
ROOT = Path(kit.__file__).parent.parent


def network(task, width=4):
    return kit.models.build("resnet8", task, width=width)


def federation(task, plan=PLAN, clients=4, wrap=lambda deliver: deliver, folder=None):
    model = network(task)
    deliver = in_process(model, federated.split_iid(task.train, clients))
    return Server(model, range(clients), wrap(deliver), plan, folder=folder)


def difference(one, other):
    mine, theirs = one.state_dict(), other.state_dict()
    return max((mine[k].float() - theirs[k].float()).abs().max().item() for k in mine)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as in other processes: sums are then added in the same order
    yield
    torch.set_num_threads(before)


# --- how images are spread


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


# --- averaging


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
    assert difference(server.model, alone) < 1e-6


def test_batchnorm_statistics_are_averaged(task):
    server = federation(task)
    before = server.model.bn.running_mean.clone()
    server.train(1)
    assert not server.model.bn.running_mean.equal(before)


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


# --- faults


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
    assert difference(server.model, three.model) < 1e-6  # as if it had never been there


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
    from tests.test_federated import PLAN, network, toy_data
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
    assert difference(resumed.model, steady.model) < 1e-5
    with pytest.raises(ValueError, match="another plan"):
        federation(task, replace(PLAN, lr=0.5), folder=tmp_path)


# --- noise on the class means


def test_noise_has_the_scale_it_says(task):
    means = cp.class_means(network(task), task.train, clip=0.5)
    layers = len(means.means)
    drawn = [private(means, 0.5, 2.0, seed) for seed in range(200)]
    counts = torch.stack([d.counts for d in drawn]).double()
    assert counts.mean().item() == pytest.approx(60, abs=0.3)
    assert counts.std().item() == pytest.approx(2.0, rel=0.1)
    big = cp.ClassMeans({"a": torch.full((4, 50), 10.0)}, means.counts)  # far from the clamp at 0
    sums = torch.stack([(d := private(big, 0.5, 2.0, s)).means["a"] * d.counts[:, None]
                        for s in range(200)])  # fmt: skip
    assert (sums - 600).std().item() == pytest.approx(2.0 * 0.5, rel=0.05)
    assert layers > 1 and private(means, 0.5, 0.0, 0) is means


def test_epsilon_of_the_gaussian_mechanism():
    """Against the definition, delta = E[(1 - e^(eps - L))+] over the privacy loss L."""
    for noise in (0.7, 2.0, 10.0):
        mu = math.sqrt(2) / noise
        eps = federated.epsilon(noise, delta=1e-5)
        loss = torch.linspace(-12, 12, 2_000_001).double() * mu + mu * mu / 2
        density = torch.exp(-((loss - mu * mu / 2) ** 2) / (2 * mu * mu))
        density /= density.sum()
        delta = ((1 - torch.exp(eps - loss)).clamp(min=0) * density).sum().item()
        assert delta == pytest.approx(1e-5, rel=1e-3)
    assert federated.epsilon(0.0) == math.inf
    assert federated.epsilon(1.0, reports=4) == pytest.approx(federated.epsilon(0.5))
    with pytest.raises(ValueError, match="delta"):
        federated.epsilon(1.0, delta=0)


# --- Flower


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


def simulate(serve):
    flower = pytest.importorskip("kit.federated.flower")
    flower.simulate(serve, load_toy, clients=4, timeout=120)


def test_flower_gives_the_weights_of_the_in_process_loop(task, one_thread, monkeypatch, tmp_path):
    """Three rounds, a report and a round after pruning with four clients; then one dies."""
    monkeypatch.setenv("RAY_worker_niceness", "0")
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
        logs.append(difference(server.model, here.model))

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


def test_secure_sum_equals_the_means_of_all_images(task, one_thread, monkeypatch, tmp_path):
    """SecAgg+ over four clients, to the rounding of the protocol; then without one that died."""
    monkeypatch.setenv("RAY_worker_niceness", "0")
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


def free_ports(count):
    """Ports that nobody listens on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def test_two_processes_over_the_network(tmp_path):
    """A SuperLink, two SuperNodes and `flwr run`, on loopback, as on several hosts."""
    pytest.importorskip("flwr")
    port, *node_ports = free_ports(3)
    env = {
        **os.environ,
        "FLWR_HOME": str(tmp_path),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "KIT_PROGRESS": "0",
        "OMP_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    (tmp_path / "config.toml").write_text(
        f'[superlink.here]\naddress = "127.0.0.1:{port}"\ninsecure = true\n'
    )
    insecure = ["--insecure"]
    started = []

    def start(*command):
        log = (tmp_path / f"{len(started)}.log").open("w")
        started.append(
            subprocess.Popen(
                command, env=env, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True
            )
        )
        return started[-1]

    try:
        start("flower-superlink", *insecure, "--port", str(port),
              "--disable-runtime-dependency-installation")  # fmt: skip
        time.sleep(5)
        for number, own in enumerate(node_ports):
            start("flower-supernode", *insecure, "--superlink", f"127.0.0.1:{port}", "--port",
                  str(own), "--node-config", f"partition-id={number}")  # fmt: skip
        settings = f"rounds=1 tuning-rounds=1 per-class=20 model='lenet' folder='{tmp_path}/out'"
        run = start("flwr", "run", str(ROOT / "kit" / "federated" / "app"), "here", "--stream",
                    "--run-config", settings)  # fmt: skip
        final = tmp_path / "out" / "network.pt"
        deadline = time.monotonic() + 400
        while not final.exists() and run.poll() is None and time.monotonic() < deadline:
            time.sleep(1)
        logs = "\n".join(f.read_text()[-2000:] for f in sorted(tmp_path.glob("*.log")))
        assert final.exists(), logs
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in started:
            process.wait(timeout=30)
    saved = torch.load(tmp_path / "out" / "server.pt", weights_only=True)
    assert saved["done"] == {"train": 1, "prune 9": 1, "without 9": 1}
    assert all(torch.isfinite(t).all() for t in torch.load(final, weights_only=True).values())

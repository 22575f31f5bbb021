"""The app, in processes that meet over the network."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT


def free_ports(count):
    """Ports that nobody listens on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.mark.cluster
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

"""Finished audits are kept, so that a report that was interrupted goes on."""

import functools
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from kit.plots.report.finding import Audit, Finding, Networks
from kit.runtime.files import whole
from kit.runtime.version import PACKAGE
from kit.tasks import ForgetTask
from kit.training import predict


def stored(
    audit: Audit, networks: Networks, task: ForgetTask, seed: int, folder: Path | None,
    prints: list[str] | None = None,
) -> Finding:  # fmt: skip
    """The finding of an audit, from ``folder`` if it was finished earlier by the same code on the
    same networks and request; a damaged file is made anew. ``prints``: ``fingerprints`` of the
    networks, where they are known."""
    if folder is None:
        return audit.run(networks, task, seed)
    parts = [
        audit.name,
        audit.version,
        seed,
        task.fingerprint,
        _code(),
        *(prints or fingerprints(networks, task)),
    ]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    file = folder / f"{audit.name}-{key}.json"
    if file.exists():
        try:
            return Finding(**json.loads(file.read_text()))
        except (ValueError, TypeError):
            file.unlink(missing_ok=True)
    finding = audit.run(networks, task, seed)
    with whole(file) as half:
        half.write_text(json.dumps(asdict(finding)))
    return finding


def fingerprints(networks: Networks, task: ForgetTask) -> list[str]:
    """Of each network its weights and its answers: a wrapper has the weights of what it wraps."""
    found = []
    for network in networks.named().values():
        digest = hashlib.sha256(state_hash(network).encode())
        for split in (task.forget, task.test):
            digest.update(predict(network, split).numpy().tobytes())
        found.append(digest.hexdigest())
    return found


@functools.cache
def _code() -> str:
    digest = hashlib.sha256(torch.__version__.encode())
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def state_hash(network: nn.Module) -> str:
    """SHA-256 of a network's tensors by name."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()

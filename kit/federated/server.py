"""The server: what it asks of the clients, what it refuses, how it averages, what it saves."""

import dataclasses
import json
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from kit.federated.clients import Reply, Request
from kit.methods.class_pruning import Config, choose, silence, union
from kit.models.channels import convolutions_of
from kit.parts.class_means import ClassMeans, pooled
from kit.runtime.checks import at_least, within_one
from kit.runtime.cost import paused
from kit.runtime.files import whole
from kit.runtime.progress import progress
from kit.training.watch import take_look, unwatched

Deliver = Callable[[list[Request]], list[Reply]]  # sends the requests, gives what came back


@dataclass(frozen=True)
class Plan:
    """How a federation trains.

    The learning rate falls from ``lr`` to almost 0 along a cosine over the rounds of a call.
    """

    local_epochs: int = 1
    lr: float = 0.1
    batch_size: int = 64
    fraction: float = 1.0  # of the clients that are asked in each round
    min_clients: int = 1  # a round with fewer valid answers is tried again
    attempts: int = 3
    weights: str = "counts"  # of the class means: "counts", or "equal" as in the paper
    clip: float = 0.0  # of each image's activations, a layer; 0: none
    noise: float = 0.0  # standard deviation of the noise on the class sums, in units of the clip
    bf16: bool | None = None
    seed: int = 0

    def __post_init__(self):
        within_one(fraction=self.fraction)
        at_least(1, min_clients=self.min_clients, attempts=self.attempts)
        if self.noise and not self.clip:
            raise ValueError("noise is scaled by clip: set clip, the bound on one image's part")


class Server:
    """The network, what has been done to it, and a log of every round.

    Parameters
    ----------
    model
        is changed in place.
    clients
        their numbers.
    deliver
        sends requests and returns the replies that came; see ``kit.federated.in_process``.
    folder
        where the server saves itself after each round. A server that is made again with the same
        folder goes on where the last one stopped.

    Raises
    ------
    ValueError
        ``folder`` holds another plan's, or another network's, state.
    """

    def __init__(
        self, model: nn.Module, clients: Sequence[int], deliver: Deliver, plan: Plan | None = None,
        folder: str | Path | None = None,
    ):  # fmt: skip
        self.model, self.clients, self.deliver = model, list(clients), deliver
        self.plan = plan or Plan()
        self.pruned: dict[str, Tensor] = {}
        self.done: dict[str, int] = {}  # phase -> its rounds so far
        self.log: list[dict] = []
        self.file = Path(folder) / "server.pt" if folder else None
        if self.file and self.file.exists():
            self._load()

    def train(
        self, rounds: int, *, without: Sequence[int] = (), phase: str = "train",
        batchnorm: str = "zeroed", mask: str = "kept",
    ) -> None:  # fmt: skip
        """Federated averaging (McMahan et al. 2017) for so many rounds.

        Parameters
        ----------
        without
            classes whose images every client leaves out.
        phase
            the name under which the rounds are counted: a server that goes on after it was killed
            does not repeat those that are done.
        batchnorm
            of pruned channels: "zeroed" or "kept".
        mask
            "kept": pruned channels stay silent; "released": they may learn again.

        Raises
        ------
        RuntimeError
            fewer than ``plan.min_clients`` valid answers in every attempt at a round.
        """
        plan = self.plan
        for number in progress(range(self.done.get(phase, 0), rounds), phase):
            lr = plan.lr * (1 + math.cos(math.pi * number / rounds)) / 2
            ask = {"epochs": plan.local_epochs, "lr": lr, "batch_size": plan.batch_size,
                   "bf16": plan.bf16, "batchnorm": batchnorm}  # fmt: skip
            expected = self.model.state_dict()
            pruned = self.pruned if mask == "kept" else {}
            replies = self._ask("train", ask, list(without), expected, phase, pruned)
            self.model.load_state_dict(average(replies))
            self.done[phase] = number + 1
            self.log[-1]["loss"] = sum(r.loss * r.images for r in replies) / sum(
                r.images for r in replies
            )
            with paused():
                for look in take_look(self.model):
                    self.log[-1] |= look
            self._save()

    def report(self) -> ClassMeans:
        """The class means of all clients together."""
        ask = {"clip": self.plan.clip, "noise": self.plan.noise}
        classes = self.model.head.out_features
        expected = {
            name: torch.zeros(classes, m.out_channels)
            for name, m in convolutions_of(self.model).items()
        } | {"counts": torch.zeros(classes)}
        replies = self._ask("report", ask, [], expected, "report")
        return pooled([_means(r) for r in replies], self.plan.weights)

    def unlearn(self, classes: Sequence[int], rounds: int, config: Config | None = None) -> None:
        """Class-discriminative pruning: ask for the means, prune, fine-tune for ``rounds`` rounds.

        Classes are pruned one at a time, each by the means of the network as it then is.
        """
        config = config or Config()
        for c in classes:
            if not self.done.get(f"prune {c}"):
                chosen = choose(self.report(), c, config, self.plan.seed + c)
                silence(self.model, chosen, config.batchnorm)
                self.pruned = union(self.pruned, chosen)
                self.done[f"prune {c}"] = 1
                self._save()
        self.train(
            rounds, without=classes, phase=f"without {'+'.join(map(str, classes))}",
            batchnorm=config.batchnorm, mask=config.mask,
        )  # fmt: skip

    def _ask(
        self, kind: str, ask: dict, without: list[int], expected: set[str], phase: str,
        pruned: dict[str, Tensor] | None = None,
    ) -> list[Reply]:  # fmt: skip
        """Valid replies in the order of the clients' numbers; the log gains a line."""
        plan, turn = self.plan, len(self.log)
        chosen = self._sample(turn)
        # A copy: a client in this process must not see the server's network change.
        state = {name: t.detach().cpu().clone() for name, t in self.model.state_dict().items()}
        requests = [
            Request(
                client, kind, state,
                {**ask, "round": turn, "without": without,
                 "seed": plan.seed * 1_000_003 + turn * 1_009 + client},
                pruned or {},
            )
            for client in chosen
        ]  # fmt: skip
        start = time.perf_counter()
        for _ in range(plan.attempts):
            with unwatched():
                replies = self._valid(self.deliver(requests), turn, expected)
            if len(replies) >= plan.min_clients:
                break
        else:
            raise RuntimeError(
                f"{phase}, round {turn}: {len(replies)} of {len(chosen)} clients gave a valid "
                f"answer in {plan.attempts} attempts, {plan.min_clients} are needed (warnings say "
                f"what was wrong); a server with the same folder goes on from here"
            )
        self.log.append({
            "phase": phase,
            "round": turn,
            "asked": len(chosen),
            "answered": [r.client for r in replies],
            "images": sum(r.images for r in replies),
            "bytes_down": sum(r.bytes for r in requests),
            "bytes_up": sum(r.bytes for r in replies),
            "seconds": time.perf_counter() - start,
        })  # fmt: skip
        return replies

    def _sample(self, turn: int) -> list[int]:
        count = max(1, round(self.plan.fraction * len(self.clients)))
        draw = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + turn)
        picked = torch.randperm(len(self.clients), generator=draw)[:count].sort().values
        return [self.clients[i] for i in picked.tolist()]

    def _valid(self, replies: list[Reply], turn: int, expected: dict) -> list[Reply]:
        """The replies that can be used; a warning says why another is left out."""
        good: dict[int, Reply] = {}
        for reply in sorted(replies, key=lambda r: r.client):
            fault = _fault(reply, turn, expected)
            if fault or reply.client in good:
                warnings.warn(
                    f"round {turn}: client {reply.client} is left out: {fault or 'answered twice'}",
                    stacklevel=4,
                )
            else:
                good[reply.client] = reply
        return list(good.values())

    def _signature(self) -> str:
        shapes = {name: list(t.shape) for name, t in self.model.state_dict().items()}
        return json.dumps([dataclasses.asdict(self.plan), self.clients, shapes])

    def _save(self) -> None:
        if not self.file:
            return
        state = {
            "signature": self._signature(),
            "state": {name: t.cpu() for name, t in self.model.state_dict().items()},
            "pruned": self.pruned,
            "done": self.done,
            "log": json.dumps(self.log),
        }
        with whole(self.file) as half:
            torch.save(state, half)

    def _load(self) -> None:
        saved = torch.load(self.file, map_location="cpu", weights_only=True)
        if saved["signature"] != self._signature():
            raise ValueError(
                f"{self.file} belongs to another plan, other clients or another network; "
                f"give a new folder, or delete it"
            )
        self.model.load_state_dict(saved["state"])
        self.pruned, self.done = saved["pruned"], saved["done"]
        self.log = json.loads(saved["log"])


def average(replies: Sequence[Reply]) -> dict[str, Tensor]:
    """Federated averaging: each entry weighted by the clients' images, BatchNorm's statistics too.

    Counters (integer entries) take the first client's value.
    """
    total = sum(r.images for r in replies)
    state = {}
    for name, first in replies[0].tensors.items():
        if not first.is_floating_point():
            state[name] = first
            continue
        parts = [r.tensors[name].double() * (r.images / total) for r in replies]
        state[name] = torch.stack(parts).sum(0).to(first.dtype)
    return state


def _means(reply: Reply) -> ClassMeans:
    means = {name: t for name, t in reply.tensors.items() if name != "counts"}
    return ClassMeans(means, reply.tensors["counts"])


def _fault(reply: Reply, turn: int, expected: dict[str, Tensor]) -> str:
    """What is wrong with a reply, "" if nothing is."""
    if reply.round != turn:
        return f"answered round {reply.round}, too late"
    if reply.fault:
        return reply.fault
    if reply.images <= 0:
        return "it has no images left"
    if set(reply.tensors) != set(expected):
        odd = sorted(set(reply.tensors) ^ set(expected))
        return f"tensors missing or unknown: {', '.join(odd[:3])}"
    for name, tensor in reply.tensors.items():
        if tensor.shape != expected[name].shape:
            return f"{name} has shape {list(tensor.shape)}, not {list(expected[name].shape)}"
        if not (torch.isfinite(tensor) | ~torch.isfinite(expected[name])).all():
            return f"{name} holds NaN or infinite values"
    return ""

"""Clients: how images are spread over them, and what a client answers to a request."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.federated.privacy import private
from kit.methods.class_pruning import keep_silent
from kit.models.channels import batchnorms_of
from kit.parts.class_means import class_means
from kit.runtime.checks import positive
from kit.training import constant_rate, fit


@dataclass(frozen=True)
class Request:
    """What the server asks of one client in one round.

    ``kind``: "train" (fit the network to your images) or "report" (send your class means).
    ``state``: the weights to start from. ``settings``: plain numbers, strings and lists of them:
    ``round``, ``seed``, ``without`` (classes to leave out) and, for training, ``epochs``, ``lr``,
    ``batch_size``; for a report ``clip`` and ``noise``. ``pruned``: channels to keep silent.
    """

    client: int
    kind: str
    state: dict[str, Tensor]
    settings: dict
    pruned: dict[str, Tensor] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """What the tensors of the message take."""
        return size(self.state) + size(self.pruned)


@dataclass(frozen=True)
class Reply:
    """What a client answers: tensors (weights, or class means and "counts"), and of how many
    images; or by what ``fault`` it has nothing to answer."""

    client: int
    round: int
    tensors: dict[str, Tensor]
    images: int
    loss: float = 0.0
    fault: str = ""

    @property
    def bytes(self) -> int:
        """What the tensors of the message take."""
        return size(self.tensors)


def size(tensors: dict[str, Tensor]) -> int:
    """Bytes of all tensors together."""
    return sum(t.numel() * t.element_size() for t in tensors.values())


def answer(request: Request, model: nn.Module, images: Split) -> Reply:
    """What a client does with a request; it depends on its arguments alone.

    ``model`` gives the architecture and is not changed.

    Raises
    ------
    ValueError
        an unknown kind of request, weights that do not fit the model.
    """
    ask = request.settings
    images = images.take(~torch.isin(images.y, torch.tensor(ask["without"], dtype=torch.long)))
    if not len(images):  # all it holds is to be forgotten
        return Reply(request.client, ask["round"], {}, 0)
    worker = copy.deepcopy(model)
    worker.load_state_dict(request.state)
    if request.kind == "report":
        tensors, loss = _report(worker, images, ask), 0.0
    elif request.kind == "train":
        tensors, loss = _train(worker, images, ask, request)
    else:
        raise ValueError(f'a request is "train" or "report", got {request.kind!r}')
    return Reply(request.client, ask["round"], tensors, len(images), loss)


def answer_or_fault(request: Request, model: nn.Module, images: Split) -> Reply:
    """The same, but a client that cannot do what it is asked says why: the others go on."""
    try:
        return answer(request, model, images)
    except Exception as error:  # whatever its own images cause
        fault = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return Reply(request.client, request.settings["round"], {}, 0, fault=fault)


def _report(worker: nn.Module, images: Split, ask: dict) -> dict[str, Tensor]:
    means = class_means(worker, images, clip=ask["clip"])
    means = private(means, ask["clip"], ask["noise"], ask["seed"])
    return {**means.means, "counts": means.counts}


def _train(worker: nn.Module, images: Split, ask: dict, request: Request):
    recipe = constant_rate(ask["epochs"], ask["lr"], ask["batch_size"], bf16=ask["bf16"])
    norms = {}
    if request.pruned and ask["batchnorm"] == "zeroed":
        norms = batchnorms_of(worker, images.take(torch.tensor([0])).inputs())
    history = fit(
        worker, images, recipe, seed=ask["seed"], title=f"client {request.client}",
        after_step=keep_silent(worker, request.pruned, ask["batchnorm"], norms),
    )  # fmt: skip
    return {name: t.cpu() for name, t in worker.state_dict().items()}, history.loss[-1]


def in_process(
    model: nn.Module, holdings: Sequence[Split]
) -> Callable[[list[Request]], list[Reply]]:
    """Clients that live in this process: number i holds ``holdings[i]``."""

    def deliver(requests: list[Request]) -> list[Reply]:
        return [answer_or_fault(request, model, holdings[request.client]) for request in requests]

    return deliver


def split_iid(images: Split, clients: int, seed: int = 0) -> list[Split]:
    """Spread the images evenly at random; sizes differ by one at most."""
    _check_number(images, clients)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return [images.take(part.sort().values) for part in order.tensor_split(clients)]


def split_dirichlet(images: Split, clients: int, alpha: float, seed: int = 0) -> list[Split]:
    """Spread each class by shares drawn from Dirichlet(alpha): the smaller, the less even.

    The label skew of Hsu, Qi and Brown 2019. A client that would go empty takes an image from the
    largest.

    Raises
    ------
    ValueError
        alpha that is not positive, more clients than images.
    """
    _check_number(images, clients)
    positive(alpha=alpha)
    draw = torch.Generator().manual_seed(seed)
    labels = images.y
    parts: list[list[Tensor]] = [[] for _ in range(clients)]
    for c in labels.unique():
        rows = (labels == c).nonzero().flatten()
        rows = rows[torch.randperm(len(rows), generator=draw)]
        shares = _dirichlet(alpha, clients, draw)
        cuts = (shares.cumsum(0)[:-1] * len(rows)).round().long()
        for part, piece in zip(parts, rows.tensor_split(cuts), strict=True):
            part.append(piece)
    held = [torch.cat(part) for part in parts]
    for k, rows in enumerate(held):
        if not len(rows):
            largest = max(range(clients), key=lambda i: len(held[i]))
            held[k], held[largest] = held[largest][:1], held[largest][1:]
    return [images.take(rows.sort().values) for rows in held]


def _dirichlet(alpha: float, size: int, draw: torch.Generator) -> Tensor:
    """One draw; torch's Dirichlet takes no generator, its gamma draws do."""
    gamma = torch._standard_gamma(torch.full((size,), float(alpha)).double(), generator=draw)
    gamma = gamma.clamp(min=1e-300)
    return gamma / gamma.sum()


def _check_number(images: Split, clients: int) -> None:
    if not 1 <= clients <= len(images):
        raise ValueError(
            f"{len(images)} images can be spread over 1 to {len(images)} clients, not {clients}"
        )

"""The same clients and server in processes of their own, joined by Flower (Beutel et al. 2020).

Flower carries messages; what a client answers (``clients.answer``) and what the server does with it
(``server.Server``) is the code of the in-process federation. Needs the extra ``[federated]``.
"""

import json
import os
import time
import warnings
from collections.abc import Callable

# Before Flower is imported: it sends nothing about its users, and looks for no newer version.
os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
os.environ.setdefault("FLWR_DISABLE_UPDATE_CHECK", "1")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import torch
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.federated import secure
from kit.federated.clients import Reply, Request, answer_or_fault
from kit.federated.server import Deliver

# What a client needs to know: its number, the network's architecture and its own images.
Load = Callable[[Context], tuple[int, nn.Module, Split]]
# What the server does: uses Deliver to reach the clients.
Serve = Callable[[Deliver, Context], None]


def client_app(load: Load) -> ClientApp:
    """The app that answers requests with the images of ``load(context)``."""
    app = ClientApp(mods=[secure.masks])
    held = {}  # one process may stand in for several clients

    def own(context: Context) -> tuple[int, nn.Module, Split]:
        if context.node_id not in held:
            held[context.node_id] = load(context)
        return held[context.node_id]

    @app.query()
    def introduce(message: Message, context: Context) -> Message:
        number = own(context)[0]
        return Message(RecordDict({"who": ConfigRecord({"client": number})}), reply_to=message)

    @app.train()
    def work(message: Message, context: Context) -> Message:
        number, model, images = own(context)
        if secure.is_secure(message):
            told = secure.masked_report(message, number, model, images)
            return Message(told, reply_to=message)
        reply = answer_or_fault(_unpack_request(number, message.content), model, images)
        return Message(_pack_reply(reply), reply_to=message)

    return app


def server_app(
    serve: Serve, clients: int = 0, timeout: float = 0.0, secure_bound: float = 0.0
) -> ServerApp:
    """The app that waits for ``clients`` clients and then runs ``serve(deliver, context)``.

    A client that has not answered after ``timeout`` seconds is left out of the round. Where they
    are 0, the run's settings "clients" and "timeout" say how many and how long. With a
    ``secure_bound`` the server sees the sum of all reports only, see ``kit.federated.secure``.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        number = clients or context.run_config["clients"]
        patience = timeout or context.run_config["timeout"]
        serve(_deliverer(grid, context, number, patience, secure_bound), context)

    return app


def simulate(
    serve: Serve, load: Load, clients: int, timeout: float = 600.0, secure_bound: float = 0.0
) -> None:
    """Run server and clients in Flower's simulation: one machine, clients in worker processes."""
    from flwr.simulation import run_simulation

    run_simulation(
        server_app(serve, clients, timeout, secure_bound),
        client_app(load),
        num_supernodes=clients,
        backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
    )


def client_number(context: Context) -> int:
    """The number that Flower's simulation, or ``--node-config``, gives this client."""
    if "partition-id" not in context.node_config:
        raise ValueError(
            'this client has no number: start it with --node-config "partition-id=0", 1, 2, ...'
        )
    return int(context.node_config["partition-id"])


def _deliverer(
    grid: Grid, context: Context, clients: int, timeout: float, secure_bound: float
) -> Deliver:
    nodes: dict[int, int] = {}  # node id -> client number; a client that comes back has a new node

    def meet() -> None:
        """Ask the nodes that are new for their numbers."""
        new = [node for node in grid.get_node_ids() if node not in nodes]
        asked = [Message(RecordDict(), node, "query") for node in new]
        for reply in grid.send_and_receive(asked, timeout=timeout) if asked else []:
            if not reply.has_error():
                nodes[reply.metadata.src_node_id] = reply.content["who"]["client"]

    def deliver(requests: list[Request]) -> list[Reply]:
        deadline = time.monotonic() + timeout
        meet()
        while len(set(nodes.values())) < clients and time.monotonic() < deadline:
            time.sleep(0.5)
            meet()
        alive = set(grid.get_node_ids())
        node_of = {number: node for node, number in nodes.items() if node in alive}
        if secure_bound and requests[0].kind == "report":
            asked = [node_of[r.client] for r in requests if r.client in node_of]
            return secure.secure_report(grid, context, asked, requests[0], secure_bound)
        messages = [
            Message(_pack_request(r), node_of[r.client], "train", group_id=str(r.settings["round"]))
            for r in requests
            if r.client in node_of
        ]
        replies = grid.send_and_receive(messages, timeout=timeout) if messages else []
        read = [_read_reply(m) for m in replies if not m.has_error()]
        return [reply for reply in read if reply is not None]

    return deliver


def _read_reply(message: Message) -> Reply | None:
    """The reply in a message; None, with a warning, for one that is not made as ours are."""
    try:
        return _unpack_reply(message.content)
    except (KeyError, TypeError, ValueError) as error:
        node = message.metadata.src_node_id
        warnings.warn(f"node {node} sent what is no reply: {error!r}", stacklevel=2)
        return None


def _pack(tensors: dict[str, Tensor]) -> ArrayRecord:
    return ArrayRecord(torch_state_dict=dict(tensors))


def _unpack(record: ArrayRecord) -> dict[str, Tensor]:
    return {name: torch.as_tensor(array.numpy().copy()) for name, array in record.items()}


def _pack_request(request: Request) -> RecordDict:
    plain = {"kind": request.kind, "settings": json.dumps(request.settings)}
    return RecordDict(
        {
            "state": _pack(request.state),
            "pruned": _pack(request.pruned),
            "ask": ConfigRecord(plain),
        }
    )


def _unpack_request(client: int, content: RecordDict) -> Request:
    ask = content["ask"]
    return Request(
        client,
        ask["kind"],
        _unpack(content["state"]),
        json.loads(ask["settings"]),
        _unpack(content["pruned"]),
    )


def _pack_reply(reply: Reply) -> RecordDict:
    plain = {
        "client": reply.client,
        "round": reply.round,
        "images": reply.images,
        "loss": reply.loss,
        "fault": reply.fault,
    }
    return RecordDict({"tensors": _pack(reply.tensors), "about": ConfigRecord(plain)})


def _unpack_reply(content: RecordDict) -> Reply:
    about = content["about"]
    tensors = _unpack(content["tensors"])
    said = [about[name] for name in ("images", "loss", "fault")]
    return Reply(about["client"], about["round"], tensors, *said)

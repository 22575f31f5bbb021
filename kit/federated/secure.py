"""The sum of all clients' reports, and no client's own: SecAgg+ (Bell et al. 2020) by Flower.

Class means cannot be added, sums of activations and counts can: each client sends its sums under
masks that cancel in the total. Flower offers SecAgg+ to its older interface only, in which a
request is a ``FitIns`` and an answer a ``FitRes``; this file translates.
"""

import json
from collections.abc import Callable
from types import SimpleNamespace

import torch
from flwr.app import ConfigRecord, Context, Message
from flwr.client.mod import secaggplus_mod
from flwr.common import Code, FitIns, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS
from flwr.compat.common import recorddict_compat as compat
from flwr.server.compat.legacy_context import LegacyContext
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD, Key
from flwr.serverapp import Grid
from torch import nn

from kit.datasets.split import Split
from kit.federated.clients import Reply, Request, answer

TOGETHER = -1  # the "client" that the sum of all is from


def masks(message: Message, context: Context, work: Callable) -> Message:
    """The client's part of the protocol; other messages pass by."""
    if is_secure(message):
        return secaggplus_mod(message, context, work)
    return work(message, context)


def is_secure(message: Message) -> bool:
    """Whether the message asks for a report that is to be masked."""
    return RECORD_KEY_CONFIGS in message.content.config_records


def masked_report(message: Message, client: int, model: nn.Module, images: Split):
    """A client's sums of activations and counts, before the masks."""
    asked = compat.recorddict_to_fitins(message.content, keep_input=True)
    arrays = parameters_to_ndarrays(asked.parameters)
    plain = json.loads(asked.config["request"])
    state = {name: torch.from_numpy(a) for name, a in zip(plain["names"], arrays, strict=True)}
    request = Request(client, "report", state, plain["settings"])
    told = answer(request, model, images).tensors
    counts = told.pop("counts")
    sums = [(mean.double() * counts[:, None]).numpy() for mean in told.values()]
    parameters = ndarrays_to_parameters([*sums, counts.double().numpy()])
    return compat.fitres_to_recorddict(
        FitRes(Status(Code.OK, ""), parameters, num_examples=1, metrics={}), keep_input=False
    )


def secure_report(
    grid: Grid, context: Context, nodes: list[int], request: Request, bound: float
) -> list[Reply]:
    """One reply that stands for all clients: class means and counts of all images together.

    ``bound``: no entry of a client's sums or counts is larger; the sums are rounded to
    ``bound / 2**21``. Empty if too few clients went through all four stages.
    """
    total = _Total(nodes, request)
    context.state.config_records[MAIN_CONFIGS_RECORD] = ConfigRecord(
        {Key.CURRENT_ROUND: request.settings["round"]}
    )
    context.state.array_records[MAIN_PARAMS_RECORD] = compat.parameters_to_arrayrecord(
        ndarrays_to_parameters([]), keep_input=False
    )
    workflow = SecAggPlusWorkflow(
        num_shares=1.0, reconstruction_threshold=0.5, max_weight=1.0, clipping_range=float(bound)
    )
    everyone = SimpleNamespace(num_available=lambda: len(nodes))
    workflow(grid, LegacyContext(context, strategy=total, client_manager=everyone))
    if total.sums is None:
        return []
    *sums, counts = (torch.from_numpy(a) for a in total.sums)
    counts = counts.round().long().clamp(min=0)
    layers = [k.removesuffix(".weight") for k, t in request.state.items() if t.dim() == 4]
    means = {
        name: (s / counts.clamp(min=1)[:, None]).clamp(min=0).float()
        for name, s in zip(layers, sums, strict=True)
    }
    images = int(counts.sum())
    return [Reply(TOGETHER, request.settings["round"], {**means, "counts": counts}, images)]


class _Total:
    """What the protocol takes for a strategy: whom to ask what, and where to put the total."""

    def __init__(self, nodes: list[int], request: Request):
        arrays = [t.numpy() for t in request.state.values()]
        plain = json.dumps({"names": list(request.state), "settings": request.settings})
        ask = FitIns(ndarrays_to_parameters(arrays), {"request": plain})
        self.asked = [(SimpleNamespace(node_id=node), ask) for node in nodes]
        self.sums = None

    def configure_fit(self, server_round: int, parameters: object, client_manager: object):
        return self.asked

    def aggregate_fit(self, server_round: int, results: list, failures: list):
        if results:  # the protocol gives the mean over those that answered
            mean = parameters_to_ndarrays(results[0][1].parameters)
            self.sums = [array * len(results) for array in mean]
        return None, {}

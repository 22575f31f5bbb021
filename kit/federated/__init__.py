"""Federated training and unlearning: many clients hold the images, a server holds the network.

``clients``: how images are spread over clients, and what a client answers to a request. ``server``:
what the server asks, checks, averages and saves. ``privacy``: noise on what clients report.
``flower``: the same clients and server over a network.
"""

from kit.federated.clients import Reply, Request, answer, in_process, split_dirichlet, split_iid
from kit.federated.privacy import epsilon
from kit.federated.server import Plan, Server, average

__all__ = [
    "Plan", "Reply", "Request", "Server", "answer", "average", "epsilon", "in_process",
    "split_dirichlet", "split_iid",
]  # fmt: skip

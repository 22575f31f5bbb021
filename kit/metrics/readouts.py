"""The read-outs of the Mixed-Privacy paper's figure 3: what is left of forgotten samples."""

import math

import torch
from torch import nn

from kit.linear import descend
from kit.methods.mixed_privacy import MixedLinear, learning_rate
from kit.metrics.accuracy import accuracy
from kit.metrics.behaviour import activation_distance
from kit.metrics.membership import entropy_member_rate
from kit.tasks import ForgetTask
from kit.training import predict

PARTS = {"retain": "retain", "forget": "forget", "test": "test_retain"}  # of a task


def readouts(
    model: nn.Module, reference: nn.Module, task: ForgetTask, *, seed: int = 0
) -> dict[str, float]:
    """Errors, distances to the retrained model ``reference``, and a membership attack.

    Returns
    -------
    ``retain_error``, ``forget_error``, ``test_error`` in [0, 1], on training images of the user and
    on test images of the retained classes; ``retain_distance``, ``forget_distance``,
    ``test_distance``: mean L1 distance of the two softmaxes, in [0, 2]; ``entropy_member_rate``:
    share of the forgotten images that an SVM on the entropy calls members. Good values: the
    retrained model's.
    """
    row = {}
    for name, attribute in PARTS.items():
        split = getattr(task, attribute)
        ours, theirs = predict(model, split), predict(reference, split)
        row[f"{name}_error"] = 1 - accuracy(ours, split.y)
        row[f"{name}_distance"] = activation_distance(ours, theirs)
    row["entropy_member_rate"] = entropy_member_rate(model, task, seed=seed)
    return row


def relearn_time(
    model: MixedLinear, task: ForgetTask, goal: float, *, max_epochs: int = 50, seed: int = 0
) -> float:
    """Epochs of SGD on all user data until the mean loss on the forgotten images is ``goal``.

    User weights only, constant rate, looked at after each epoch; the time is interpolated between
    two looks. 0 if it is there already, infinity if ``max_epochs`` did not suffice.
    """
    loss, asked = model.loss(task.train), model.loss(task.forget)
    rate, u = learning_rate(loss), model.user.detach().clone()
    with torch.no_grad():
        before = asked.misfit(u)
        if before <= goal:
            return 0.0
        for epoch in range(max_epochs):
            u = descend(
                loss.gradient, u, len(loss), epochs=1, lr=rate, seed=seed * max_epochs + epoch,
                title="relearning",
            )  # fmt: skip
            now = asked.misfit(u)
            if now <= goal:
                return epoch + (before - goal) / (before - now)
            before = now
    return math.inf

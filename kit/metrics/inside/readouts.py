"""The read-outs of the Mixed-Privacy paper's figure 3: what is left of forgotten samples."""

import math

from torch import nn

from kit.metrics.answers.accuracy import accuracy
from kit.metrics.answers.behaviour import activation_distance
from kit.metrics.membership.attacks import entropy_member_rate
from kit.parts.mixed_linear import MixedLinear
from kit.parts.newton import conjugate_gradients
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
    on test images of the retained classes; ``retain_l1_distance``, ``forget_l1_distance``,
    ``test_l1_distance``: mean L1 distance of the two softmaxes, in [0, 2];
    ``entropy_member_rate``: share of the forgotten images that an SVM on the entropy calls members.
    Good values: the retrained model's.
    """
    row = {}
    for name, attribute in PARTS.items():
        split = getattr(task, attribute)
        ours, theirs = predict(model, split), predict(reference, split)
        row[f"{name}_error"] = 1 - accuracy(ours, split.y)
        row[f"{name}_l1_distance"] = activation_distance(ours, theirs, norm=1)
    row["entropy_member_rate"] = entropy_member_rate(model, task, seed=seed)
    return row


def relearn_time(
    model: MixedLinear, task: ForgetTask, goal: float, *, max_steps: int = 300
) -> float:
    """Passes over all user data until the mean squared error on the forgotten images is ``goal``.

    User weights only, by conjugate gradients from where they are: no learning rate and no noise of
    mini-batches decides the time. 0 if it is there already, infinity if ``max_steps`` did not
    suffice. ``goal`` is half the squared error, as ``LeastSquares.misfit``.
    """
    loss, asked, start = model.loss(task.train), model.loss(task.forget), model.user.detach()
    if asked.misfit(start) <= goal:
        return 0.0
    found = conjugate_gradients(
        loss.hessian, loss.gradient(start), max_steps=max_steps, tolerance=0.0,
        after_step=lambda step: asked.misfit(start - step) <= goal,
    )  # fmt: skip
    arrived = asked.misfit(start - found.x) <= goal
    return float(len(found.residuals)) if arrived else math.inf

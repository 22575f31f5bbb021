"""A sham update: training that has nothing to do with a request.

What any update does to a number says how much of a change is due to the update, and how much to
forgetting: the row stands beside a method's as a placebo stands beside a drug.
"""

import copy

from torch import nn

from kit.runtime.checks import at_least
from kit.tasks import ForgetTask
from kit.training import constant_rate, fit


def sham_update(
    model: nn.Module, task: ForgetTask, *, steps: int, batch_size: int = 64, lr: float = 1e-3,
    seed: int = 0,
) -> nn.Module:  # fmt: skip
    """A copy of the network after so many steps of ordinary training in which nothing is forgotten.

    The batches are of *all* training images, those of the request among them: training on retained
    images alone would already leave out what is to be forgotten, as fine-tuning does.

    Parameters
    ----------
    steps
        batches; as many as the method took, to compare with it.
    lr
        of Adam, constant.

    Raises
    ------
    ValueError
        no step, or whatever ``kit.fit`` refuses.
    """
    at_least(1, steps=steps)
    student = copy.deepcopy(model)
    recipe = constant_rate(steps, lr, batch_size, "adam")  # an epoch has a step at least
    fit(student, task.train, recipe, seed=seed, after_step=lambda n: n == steps, title="sham")
    return student

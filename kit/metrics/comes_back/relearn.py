"""Relearn time: how quickly the forgotten classes come back when training resumes.

Knowledge that was only hidden returns within a few steps. Always read it beside the retrained
model's time: that one has never seen the classes, so being slower than it is no virtue.
"""

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from kit.datasets.split import Split
from kit.metrics.answers.accuracy import accuracy
from kit.tasks import FeatureTask, ForgetTask
from kit.training import Recipe, constant_rate, fit, predict
from kit.training.loop import cut

SHARE = 0.95  # of the original's accuracy on the forgotten classes; 1 - alpha with alpha = 0.05


def relearn_steps(
    model: nn.Module, task: ForgetTask, goal: float, *, max_epochs: int = 10, lr: float = 1e-3,
    seed: int = 0,
) -> float:  # fmt: skip
    """Batches of 256 shuffled training images until accuracy on ``test_forget`` reaches ``goal``.

    The protocol of Chundawat et al. (IEEE TIFS 2023, arXiv:2201.05629): Adam at 1e-3 on all
    training images, tested after every batch. The batches come in the same order for the same seed,
    so that two models are compared on the same ones.

    Returns
    -------
    the number of batches (times 256: of images), 0 if the model is there already, infinity if
    ``max_epochs`` did not suffice: such a time is "more than the limit", not a number to average.
    """
    recipe = _adam(max_epochs, lr)
    reached = _accurate(asked(task), goal)
    return _steps_until(model, task.train, reached, recipe, every=1, seed=seed)


def relearn_epochs(
    model: nn.Module, task: ForgetTask, goal: float, *, samples: int = 500, max_epochs: int = 100,
    lr: float = 1e-3, seed: int = 0,
) -> float:  # fmt: skip
    """Epochs on ``samples`` random training images until ``test_forget`` reaches ``goal``.

    The protocol remembered from the UNSIR paper (it reports ">100" where ours is infinity); its
    learning rate is not known, ours is Adam at 1e-3.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = task.train.take(torch.randperm(len(task.train), generator=generator)[:samples])
    recipe = _adam(max_epochs, lr)
    per_epoch = len(cut(chosen.rows, recipe.batch_size))
    reached = _accurate(asked(task), goal)
    steps = _steps_until(model, chosen, reached, recipe, every=per_epoch, seed=seed)
    return steps / per_epoch


def relearn_curve(
    model: nn.Module, task: ForgetTask, *, shots: Sequence[int] = (1, 5, 20, 100), steps: int = 20,
    lr: float = 1e-3, seed: int = 0,
) -> dict[int, float]:  # fmt: skip
    """Accuracy on ``test_forget`` after ``steps`` batches on ``k`` images of every class.

    Number of images k -> accuracy in [0, 1], for each k of ``shots``; 0 stands for the model as it
    is. Every class is replayed, so that nothing is gained by forgetting the rest. Good value: the
    retrained model's curve.
    """
    test = asked(task)
    curve = {0: accuracy(predict(model, test), test.y)}
    for k in shots:
        chosen = task.train.per_class(k, seed)
        student = copy.deepcopy(model)
        recipe = _adam(steps, lr)  # more epochs than are needed: steps end it
        fit(student, chosen, recipe, seed=seed, after_step=lambda n: n == steps, title="relearning")
        curve[k] = accuracy(predict(student, test), test.y)
    return curve


def reliance_steps(
    model: nn.Module, task: FeatureTask, goal: float, *, every: int = 5, max_epochs: int = 1,
    images: int = 500, seed: int = 0,
) -> float:  # fmt: skip
    """Batches of 256 training images until the reliance gap of ``task`` is ``goal`` again.

    How quickly a network takes a feature up again when training resumes on images in which it goes
    with the class (``metrics/feature/reliance.py``), Adam at 1e-3; the gap is taken over
    ``images`` test images after ``every`` so many batches.

    Returns
    -------
    the number of batches, 0 if the gap is there already, infinity if ``max_epochs`` did not do.
    """
    some = torch.randperm(len(task.test), generator=torch.Generator().manual_seed(seed))[:images]
    aligned, other = task.aligned.take(some), task.reversed.take(some)

    def reached(student: nn.Module) -> bool:
        first, second = (accuracy(predict(student, view), view.y) for view in (aligned, other))
        return first - second >= goal

    recipe = _adam(max_epochs, 1e-3)
    return _steps_until(model, task.train, reached, recipe, every=every, seed=seed)


def anamnesis_index(relearn_time: float, retrained_time: float) -> float:
    """Relearn time over the retrained model's (Chundawat et al. 2023): 1 is ideal.

    Much below 1: knowledge is still there. Above 1: more was erased than retraining would.
    NaN where both are infinite or both zero; infinity or 0 where one is.
    """
    if retrained_time == 0 or math.isinf(retrained_time):
        both = relearn_time == retrained_time
        return math.nan if both else (math.inf if retrained_time == 0 else 0.0)
    return relearn_time / retrained_time


def asked(task: ForgetTask) -> Split:
    """The test images whose relearning is watched; ``ValueError`` where samples are forgotten."""
    if task.test_forget is None:
        raise ValueError("relearning is defined for classes only, this task forgets samples")
    return task.test_forget


def _accurate(test: Split, goal: float) -> Callable[[nn.Module], bool]:
    return lambda student: accuracy(predict(student, test), test.y) >= goal


def _steps_until(
    model: nn.Module, data: Split, reached: Callable[[nn.Module], bool], recipe: Recipe, *,
    every: int, seed: int,
) -> float:  # fmt: skip
    """Steps until a copy of the model has ``reached`` something, asked ``every`` so many steps."""
    student = copy.deepcopy(model)
    if reached(student):
        return 0
    arrived = False

    def after_step(step: int) -> bool:
        nonlocal arrived
        arrived = step % every == 0 and reached(student)
        return arrived

    history = fit(student, data, recipe, seed=seed, after_step=after_step, title="relearning")
    return history.steps if arrived else math.inf


def _adam(epochs: int, lr: float) -> Recipe:
    return constant_rate(epochs, lr, 256, "adam")

"""SCRUB: disagree with the original about the forgotten images, agree about the rest.

Kurmanji et al., "Towards Unbounded Machine Unlearning", NeurIPS 2023 (arXiv:2302.09880). The
original is the teacher T, KL at temperature tau times tau squared:

    minimise  E_{D_r} [ alpha KL(T(x) || f(x)) + gamma CE(f(x), y) ] - E_{D_f} KL(T(x) || f(x))

by turns: in each of the first ``max_epochs`` epochs a pass over D_f that ascends, then one over D_r
that descends; after that only descent. Each pass begins with a fresh optimizer, or momentum would
carry the ascent on. The ascent has no bound: a few batches of it are enough.

``rewind`` (SCRUB+R) keeps the weights after every epoch and returns those whose error on D_f is
nearest to the last ones' error on *unseen* images in the same class mix: forgotten images should be
as hard as new ones, no harder. It is meant for single images; those of a forgotten class are all
wrong at the end, seen or not.

Needs    all retained and all forgotten images; to rewind, images that nobody was trained on
         (``task.validation``).
Cost     ``epochs`` passes over the retained images, ``max_epochs`` over the forgotten ones, and as
         many forward passes of the teacher.
"""

import copy
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split, same_mix
from kit.methods import Needs, TaskView, register
from kit.metrics.answers.accuracy import accuracy
from kit.parts.distillation import answers, distillation
from kit.training import Loss, constant_rate, cut, fit, predict


@dataclass(frozen=True)
class Config:
    """Settings."""

    alpha: float = 0.5  # agreement with the teacher
    gamma: float = 1.0  # agreement with the labels
    temperature: float = 2.0
    max_epochs: int = 2
    epochs: int = 3
    lr: float = 2e-4
    max_lr: float = 5e-3  # of the ascent
    optimizer: str = "adam"
    batch_size: int = 128
    forget_batch_size: int = 128
    rewind: bool = False

    def __post_init__(self):
        if not 0 <= self.max_epochs <= self.epochs:
            raise ValueError(f"max_epochs must lie in 0..{self.epochs}, got {self.max_epochs}")

    @property
    def needs(self) -> Needs:
        return Needs(retain="all", forget="all", validation=self.rewind)

    @classmethod
    def paper(cls, **options) -> "Config":
        """The authors' values for CIFAR-10 at large scale."""
        published = {"alpha": 0.001, "gamma": 0.99, "temperature": 4.0, "max_epochs": 2,
                     "epochs": 3, "optimizer": "sgd", "lr": 5e-4, "max_lr": 5e-4}  # fmt: skip
        return cls(**published | options)


@register(
    "scrub",
    level=("class", "sample"),
    paper="kurmanji2023towards",
    config=Config,
    grid={
        "lr": (2e-4, 5e-4, 2e-3), "max_lr": (2e-3, 5e-3, 1e-2),
        "max_epochs": (1, 2), "epochs": (2, 3),
    },
    toy={"max_epochs": 4, "epochs": 4, "lr": 0.002, "batch_size": 32, "forget_batch_size": 32},
)  # fmt: skip
def scrub(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Turns of ascent and descent, then descent, then perhaps the way back."""
    teacher = copy.deepcopy(model).eval().requires_grad_(False)
    saved = _Checkpoints(model, steps=len(cut(view.retain.rows, config.batch_size)))
    history = {"divergence": [], "loss": []}

    def descend(epochs: int, seed: int) -> None:
        recipe = constant_rate(epochs, config.lr, config.batch_size, config.optimizer)
        fitted = fit(model, view.retain, recipe, seed=seed, loss=towards(teacher, config),
                     after_step=saved if config.rewind else None, title="descent")  # fmt: skip
        history["loss"] += fitted.loss

    for turn in range(config.max_epochs):
        recipe = constant_rate(1, config.max_lr, config.forget_batch_size, config.optimizer)
        fitted = fit(model, view.forget, recipe, seed=seed + turn, loss=away(teacher, config),
                     title="ascent")  # fmt: skip
        history["divergence"] += [-value for value in fitted.loss]
        descend(1, seed + turn)
    if config.epochs > config.max_epochs:
        descend(config.epochs - config.max_epochs, seed + config.max_epochs)
    if config.rewind:
        saved.rewind(view.forget, same_mix(view.validation, view.forget))
    return history


def towards(teacher: nn.Module, config: Config) -> Loss:
    """``alpha KL + gamma CE`` on retained images; the teacher is not asked where alpha is 0."""

    def loss(student: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        logits = student(x)
        ce = config.gamma * F.cross_entropy(logits.float(), y)
        if not config.alpha:
            return ce
        return ce + config.alpha * _divergence(logits, teacher, x, "retain", config.temperature)

    return loss


def away(teacher: nn.Module, config: Config) -> Loss:
    """``-KL`` on forgotten images."""

    def loss(student: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return -_divergence(student(x), teacher, x, "forget", config.temperature)

    return loss


def _divergence(
    logits: Tensor, teacher: nn.Module, x: Tensor, kind: str, temperature: float
) -> Tensor:
    return distillation(logits, answers(teacher, x, kind), temperature).mean()


class _Checkpoints:
    """The weights after every epoch of descent; ``fit`` calls it after each step."""

    def __init__(self, model: nn.Module, steps: int):
        self.model, self.steps = model, steps
        self.states: list[dict[str, Tensor]] = []

    def __call__(self, step: int) -> None:
        if step % self.steps == 0:
            self.states.append(copy.deepcopy(self.model.state_dict()))

    def rewind(self, forgotten: Split, unseen: Split) -> None:
        """Load the state that is as wrong on ``forgotten`` as the last one is on ``unseen``."""
        goal = accuracy(predict(self.model, unseen), unseen.y)
        gaps = []
        for state in self.states:
            self.model.load_state_dict(state)
            gaps.append(abs(accuracy(predict(self.model, forgotten), forgotten.y) - goal))
        self.model.load_state_dict(self.states[gaps.index(min(gaps))])

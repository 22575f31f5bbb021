"""Bad teacher: answer like a network that knows nothing, on the forgotten images alone.

Chundawat et al., "Can Bad Teaching Induce Forgetting?", AAAI 2023 (arXiv:2205.08096). With the
original as competent teacher T_c and an untrained network of its architecture as incompetent T_i:

    minimise  sum_x  l_x KL(T_i(x) || f(x)) + (1 - l_x) KL(T_c(x) || f(x)),   l_x = 1 on D_f

An untrained network in eval mode is no coin: it gives nearly every image the same answer, often one
class, and the student learns just that; no retrained network shows such an answer.
``target="uniform"`` teaches the coin itself. (The published code divides the KL by the number of
classes, too; under Adam that changes nothing.)

Needs    all forgotten images, 30 % of the retained ones.
Cost     ``epochs`` passes over these, with as many forward passes of the teachers.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kit.methods import Needs, TaskView, register
from kit.models.fresh import fresh
from kit.parts.distillation import answers, distillation
from kit.runtime.checks import one_of
from kit.runtime.device import device
from kit.training import constant_rate, fit


@dataclass(frozen=True)
class Config:
    """Settings; Adam."""

    epochs: int = 1
    lr: float = 1e-3
    batch_size: int = 256
    temperature: float = 1.0
    target: str = "random"  # "random": an untrained network; "uniform": all classes alike
    amount: str = "30 %"  # of the retained images

    def __post_init__(self):
        one_of("target", self.target, ("random", "uniform"))

    @property
    def needs(self) -> Needs:
        return Needs(retain=self.amount, forget="all")

    @classmethod
    def paper(cls, **options) -> "Config":
        """The authors' learning rate."""
        return cls(**{"lr": 1e-4} | options)


@register(
    "bad_teacher",
    level=("class", "sample"),
    paper="chundawat2023can",
    config=Config,
    grid={"lr": (1e-4, 3e-4, 1e-3, 3e-3), "epochs": (1, 2), "target": ("random", "uniform")},
    toy={"epochs": 8, "lr": 0.005, "batch_size": 32},
)
def bad_teacher(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Follow one teacher on the forgotten images and the other on the rest.

    Raises
    ------
    ValueError
        ``target="random"`` and a model that cannot be made anew; "uniform" needs no other.
    """
    competent = copy.deepcopy(model).eval().requires_grad_(False)
    incompetent = _incompetent(model, config, seed)
    retain = view.retain.labelled(torch.zeros(len(view.retain), dtype=torch.long))
    forget = view.forget.labelled(torch.ones(len(view.forget), dtype=torch.long))

    def loss(student: nn.Module, x: Tensor, is_forgotten: Tensor) -> Tensor:
        good, bad = (answers(t, x, "retain", is_forgotten) for t in (competent, incompetent))
        return blended(student(x), good, bad, is_forgotten, config.temperature)

    recipe = constant_rate(config.epochs, config.lr, config.batch_size, "adam")
    history = fit(model, [retain, forget], recipe, seed=seed, loss=loss, title="bad teacher")
    return {"loss": history.loss}


def blended(
    student: Tensor, good: Tensor, bad: Tensor, is_forgotten: Tensor, temperature: float = 1.0
) -> Tensor:
    """Mean over images of the KL from the teacher in charge; logits ``[B, K]``, 0/1 ``[B]``."""
    taught = torch.where(is_forgotten.bool()[:, None], bad, good)
    return distillation(student, taught, temperature, scaled=False).mean()


def _incompetent(model: nn.Module, config: Config, seed: int):
    if config.target == "uniform":
        return lambda x: torch.zeros(len(x), model.head.out_features, device=x.device)
    return fresh(model, seed + 1).to(device()).eval().requires_grad_(False)

"""UNSIR: impair the network with error-maximising noise, then repair it on retained data.

Tarun, Chundawat, Mandal, Kankanhalli, "Fast Yet Effective Machine Unlearning", IEEE TNNLS 2023
(arXiv:2111.08947). Zero-glance: after the request the forgotten images are not read, not once.

    1. noise    for each forgotten class c:  N* = argmin_N  -CE(f_theta(N), c) + lambda |N|^2
    2. impair   one epoch on noise labelled c, mixed with retained images, at a high learning rate
    3. repair   one epoch on the retained images alone

Needs    1,000 images of each retained class; none of the forgotten ones.
Cost     noise_steps passes over the noise, one over noise and retained images, one over retained.

Variants
    "paper"     the three steps as the paper describes them: all noise images, labelled with their
                own class, made by the network in eval mode.
    "code"      what the authors' notebook does: only 3 of the noise images of each class are used,
                all are labelled class 0, and the noise is made in train mode, which also overwrites
                the BatchNorm statistics.
    "no_noise"  steps 2 and 3 without any noise: is it the noise that forgets, or the learning rate?
    "gaussian"  noise as drawn, not optimised: does what the noise looks like matter?
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split, synthetic
from kit.methods import Needs, TaskView, register
from kit.models.base import memory_format
from kit.parts.freezing import frozen
from kit.runtime.checks import one_of, positive
from kit.runtime.cost import count_passes
from kit.runtime.device import device, mixed_precision
from kit.training import Recipe, constant_rate, fit

VARIANTS = ("paper", "code", "no_noise", "gaussian")
IMAGES_USED_BY_CODE = 3  # the notebook loops over the 3 colour channels of one image by mistake
LABEL_USED_BY_CODE = 0


@dataclass(frozen=True)
class Config:
    """Settings of UNSIR; defaults for the kit's networks, ``Config.paper()`` for the paper's."""

    variant: str = "paper"
    noise_images: int = 256  # per forgotten class
    noise_copies: int = 20  # how often each is repeated in the impair epoch
    noise_steps: int = 40  # Adam steps of step 1
    noise_lr: float = 0.1
    noise_penalty: float = 0.1  # lambda
    impair_lr: float = 0.005  # Adam; paper: 0.02
    repair_lr: float = 0.005  # Adam; paper: 0.01
    repair: bool = True  # False stops after step 2
    batch_size: int = 256

    def __post_init__(self):
        one_of("variant", self.variant, VARIANTS)
        positive(
            noise_images=self.noise_images, noise_copies=self.noise_copies,
            impair_lr=self.impair_lr, repair_lr=self.repair_lr, batch_size=self.batch_size,
        )  # fmt: skip

    @classmethod
    def paper(cls, **options) -> "Config":
        """The learning rates of the authors' notebook, for ResNet-18 trained on CIFAR-10."""
        return cls(**{"impair_lr": 0.02, "repair_lr": 0.01} | options)


@register(
    "unsir",
    level=("class",),
    needs=Needs(retain="1000 per class"),
    paper="tarun2023fast",
    config=Config,
    grid={"impair_lr": (0.002, 0.005, 0.01, 0.02), "repair_lr": (0.002, 0.005, 0.01)},
    toy={"batch_size": 32, "noise_images": 32, "noise_copies": 2, "impair_lr": 0.02},
)
def unsir(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Steps 1 to 3; returns the noise objective and the losses of the epochs."""
    # 1. noise
    noise, objective = [], {}
    if config.variant != "no_noise":
        for c in view.forget_classes:
            images, trace = make_noise(model, c, view.input_shape, config, seed=seed + c)
            noise.append(_labelled(images, c, view.retain, config))
            objective[f"noise_objective_{c}"] = trace

    # 2. impair
    def epoch(lr: float) -> Recipe:
        return constant_rate(1, lr, config.batch_size, "adam")

    impair = fit(model, [view.retain, *noise], epoch(config.impair_lr), seed=seed, title="impair")

    losses = {"impair_loss": impair.loss}

    # 3. repair
    if config.repair:
        repair = fit(model, view.retain, epoch(config.repair_lr), seed=seed + 1, title="repair")
        losses["repair_loss"] = repair.loss
    return objective | losses


def make_noise(
    model: nn.Module, label: int, shape: tuple[int, int, int], config: Config, seed: int
) -> tuple[Tensor, list[float]]:
    """Images on which the frozen network is as wrong as possible about ``label``.

    Returns
    -------
    noise : ``[noise_images, channels, height, width]`` in the network's input space.
    trace : ``noise_objective`` before each step.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(config.noise_images, *shape, generator=generator).to(device())
    if config.variant == "gaussian":
        return noise, []
    noise.requires_grad_()
    model.to(device(), memory_format=memory_format(model)).train(config.variant == "code")
    optimizer = torch.optim.Adam([noise], config.noise_lr)
    trace = []
    with frozen(model):
        for _ in range(config.noise_steps):
            with mixed_precision():
                objective = noise_objective(model, noise, label, config.noise_penalty)
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
            trace.append(objective.detach())
            count_passes("synthetic", forward=len(noise), backward=len(noise))
    model.eval()
    return noise.detach(), torch.stack(trace).tolist() if trace else []


def noise_objective(model: nn.Module, noise: Tensor, label: int, penalty: float) -> Tensor:
    """Mean over the images of ``-CE(f(N_b), label) + penalty * |N_b|^2``; to be minimised."""
    labels = torch.full((len(noise),), label, device=noise.device)
    return -F.cross_entropy(model(noise).float(), labels) + penalty * noise.square().sum() / len(
        noise
    )


def _labelled(images: Tensor, label: int, like: Split, config: Config) -> Split:
    """The noise as training data: chosen, labelled and repeated as the variant says."""
    if config.variant == "code":
        images, label = images[:IMAGES_USED_BY_CODE], LABEL_USED_BY_CODE
    images = images.repeat(config.noise_copies, 1, 1, 1)
    return synthetic(like, images, torch.full((len(images),), label))

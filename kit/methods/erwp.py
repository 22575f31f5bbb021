"""ERwP: change only the weights that matter to the restricted classes, and keep the rest.

After Singh, Mazumder and Karim, "Attaining Class-level Forgetting in Pretrained Model using Few
Samples", ECCV 2022 (arXiv:2210.10670). We found no code of the authors, and this file was written
from the abstract and partial descriptions: what they leave open is a setting here.

    A. relevant weights   for each restricted class: one backward pass of the loss of the AVERAGED
                          prediction on unseen augmentations; in each layer the top weights by
                          |gradient|, as few as hurt the class most when they are set to 0
    B. masked training    minimise over these weights alone
                          1/S [ sum_n CE - sum_r CE ] + beta KD on the remaining classes' logits

Needs    10 % of the images of every class, restricted (r) and remaining (n): ``amount``.
Cost     A: two forward and one backward pass over the restricted images, and a forward pass over
         ``search_images`` of each class for every layer and candidate count;
         B: ``epochs`` passes over all of them, and as many forward passes of the original.
"""

import copy
import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.metrics.answers.accuracy import accuracy
from kit.models.base import memory_format
from kit.parts.distillation import answers, distillation
from kit.parts.freezing import Mask, highest, hold, share_of, shuffled, trainable, zero
from kit.runtime.checks import not_negative, one_of, positive, within_one
from kit.runtime.cost import count_passes
from kit.runtime.device import device
from kit.training import BATCH, Loss, Recipe, batches, constant_rate, fit, predict

SHARES = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)  # of a layer's weights, tried by the search
NEAR_ENOUGH = 0.02  # accuracy: the smallest share this close to the lowest accuracy is taken
NO_EFFECT = 0.05  # accuracy: a layer that never costs the class as much gets the smallest share
CHOICES = {
    "average": ("softmax", "logits"),
    "unseen": (None, "grey", "turn", "invert", "none"),
    "tensors": ("weights", "all"),
    "count": ("search", "fixed"),
    "head": ("in", "out", "only"),
    "mask": ("relevant", "random", "all"),
    "update": ("train", "zero"),
    "bound": ("stop", "none"),
    "ce_logits": ("all", "remaining"),
    "kd_images": ("all", "remaining"),
    "batchnorm": ("frozen", "updated"),
}


@dataclass(frozen=True)
class Config:
    """Settings; the paper leaves most of them open (see the chapter)."""

    amount: str = "10 %"  # of the images of each class that may be seen
    # A. relevant weights
    average: str = "softmax"  # what is averaged over a class's images: "softmax" or "logits"
    unseen: str | None = None  # augmentation; None: "grey" for colour images, else "turn"
    tensors: str = "weights"  # "weights" of convolutions and linear layers, or "all" parameters
    count: str = "search"  # how many of a layer: "search", or "fixed", ``share`` of it
    share: float = 0.05
    search_images: int = 100  # of each class
    head: str = "in"  # the last layer: "in" or "out" of the mask, or "only" it
    # B. masked training
    mask: str = "relevant"  # "random": as many of each layer by chance; "all": every parameter
    update: str = "train"  # "zero": set the mask's weights to 0 and leave it at that
    ascent: bool = True  # the restricted images' term
    bound: str = "stop"  # "stop": no ascent on an image whose CE exceeds 2 log K; "none"
    ce_logits: str = "all"  # of the remaining images' CE: "all" or "remaining"
    distillation: float = 10.0  # beta
    kd_images: str = "all"  # on which the original is imitated: "all" or "remaining"
    temperature: float = 2.0
    scaled: bool = True  # KD times temperature ** 2
    batchnorm: str = "frozen"  # running statistics: "frozen" or "updated"
    epochs: int = 10
    optimizer: str = "adam"
    lr: float = 1e-3
    batch_size: int = 64

    def __post_init__(self):
        for name, choices in CHOICES.items():
            one_of(name, getattr(self, name), choices)
        within_one(share=self.share)
        positive(search_images=self.search_images, temperature=self.temperature)
        not_negative(distillation=self.distillation)
        _ = self.recipe, self.needs  # their checks

    @property
    def needs(self) -> Needs:
        return Needs(retain=self.amount, forget=self.amount)

    @property
    def recipe(self) -> Recipe:
        """How step B trains."""
        return constant_rate(
            self.epochs, self.lr, self.batch_size, self.optimizer, weight_decay=0.0
        )


@register(
    "erwp",
    level=("class",),
    paper="singh2022attaining",
    config=Config,
    grid={"lr": (3e-4, 1e-3, 3e-3), "distillation": (1.0, 10.0), "epochs": (5, 10)},
    toy={"epochs": 30, "lr": 0.003, "batch_size": 32},
)
def erwp(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Steps A and B; the history holds the loss and the share of all parameters in the mask."""
    mask = choose_mask(model, view, config, seed)
    history = {"mask_share": [share_of(model, mask)]}
    if config.update == "zero":
        zero(model, mask)
        return history
    images = [view.forget, view.retain] if _uses_restricted(config) else view.retain
    trained = fit(
        model, images, config.recipe, seed=seed, title="masked training",
        loss=objective(model, view, config), after_step=hold(model, mask),
        eval_mode=config.batchnorm == "frozen",
    )  # fmt: skip
    return history | {"loss": trained.loss}


def _uses_restricted(config: Config) -> bool:
    return config.ascent or (config.distillation > 0 and config.kd_images == "all")


# A. relevant weights


def choose_mask(model: nn.Module, view: TaskView, config: Config, seed: int) -> Mask:
    """The entries that step B may change: the union over the restricted classes."""
    if config.mask == "all":
        return {n: torch.ones_like(p, dtype=torch.bool) for n, p in trainable(model).items()}
    mask: Mask = {}
    for c in view.forget_classes:
        chosen = relevant(model, view.forget.of_classes([c]), c, config, seed)
        mask = {name: m | mask.get(name, False) for name, m in chosen.items()}
    return shuffled(mask, seed) if config.mask == "random" else mask


def relevant(model: nn.Module, images: Split, label: int, config: Config, seed: int = 0) -> Mask:
    """Step A for one class, from ``images`` of that class alone."""
    gradients = relevance(model, unseen(images, config.unseen), label, config.average)
    scores = {name: gradients[name] for name in _candidates(model, config)}
    if config.count == "fixed":
        return {name: top(s, config.share) for name, s in scores.items()}
    sample = images.per_class(config.search_images, seed)
    before = accuracy(predict(model, sample), sample.y)
    return {
        name: top(scores[name], smallest_share(before, left))
        for name, left in damage(model, sample, scores).items()
    }


def relevance(
    model: nn.Module, images: Split, label: int, average: str = "softmax"
) -> dict[str, Tensor]:
    """``|d loss / d theta|`` of the prediction averaged over all images: one backward pass.

    The loss is the cross-entropy of the mean softmax (or the softmax of the mean logits) against
    ``label``. Computed batch by batch, exactly: the mean's derivative is known beforehand.

    Returns
    -------
    parameter name -> float32 of its shape, on the model's device.
    """
    if not len(images):
        raise ValueError(f"there is no image of class {label} to find its weights by")

    def said(logits: Tensor) -> Tensor:
        return logits.softmax(1) if average == "softmax" else logits

    mean = said(predict(model, images)).mean(0).requires_grad_()
    surprise = -mean.clamp_min(1e-30).log() if average == "softmax" else -mean.log_softmax(0)
    (slope,) = torch.autograd.grad(surprise[label], mean)
    slope = slope.to(device())
    parameters, layout = trainable(model.eval()), memory_format(model)
    total = {name: torch.zeros_like(p) for name, p in parameters.items()}
    for x, _ in batches(images):
        x = x.contiguous(memory_format=layout)
        part = (said(model(x).float()) * slope).sum() / len(images)
        slopes = torch.autograd.grad(part, list(parameters.values()), materialize_grads=True)
        for name, gradient in zip(total, slopes, strict=True):
            total[name] += gradient
        count_passes(images.kind, forward=len(x), backward=len(x))
    return {name: gradient.abs() for name, gradient in total.items()}


def unseen(images: Split, transform: str | None = None) -> Split:
    """The images under an augmentation that the network was not trained with.

    "grey": without colour; "turn": by 15 degrees; "invert": light for dark; "none": as they are.
    None chooses "grey" for colour images and "turn" for others.
    """
    from torchvision.transforms.v2 import InterpolationMode, functional  # slow to import

    change = {
        "grey": lambda x: functional.rgb_to_grayscale(x, num_output_channels=x.shape[1]),
        "turn": lambda x: functional.rotate(x, 15.0, interpolation=InterpolationMode.BILINEAR),
        "invert": functional.invert,
        "none": lambda x: x,
    }[transform or ("grey" if images.pixels.shape[1] == 3 else "turn")]
    x = torch.cat([change(images.pixels[rows]) for rows in images.rows.split(BATCH)])
    return replace(images, pixels=x, targets=images.y, rows=torch.arange(len(images)))


def top(scores: Tensor, share: float) -> Tensor:
    """The highest ``share`` of the entries, at least one: bool of the same shape."""
    return highest(scores, max(1, round(share * scores.numel())))


def damage(model: nn.Module, sample: Split, scores: dict[str, Tensor]) -> dict[str, list[float]]:
    """What setting the top ``SHARES`` of one layer to 0 leaves of the accuracy on ``sample``."""
    parameters = dict(model.named_parameters())
    left = {}
    for name, layer_scores in scores.items():
        kept = parameters[name].detach().clone()
        left[name] = []
        for share in SHARES:
            zero(model, {name: top(layer_scores, share)})
            left[name].append(accuracy(predict(model, sample), sample.y))
        parameters[name].data.copy_(kept)
    return left


def smallest_share(before: float, left: list[float]) -> float:
    """The smallest of ``SHARES`` that does almost the most damage.

    ``before``: accuracy of the whole network; ``left``: what each share leaves of it.
    """
    if before - min(left) < NO_EFFECT:
        return SHARES[0]
    return next(s for s, a in zip(SHARES, left, strict=True) if a <= min(left) + NEAR_ENOUGH)


def _candidates(model: nn.Module, config: Config) -> list[str]:
    """Names of the parameters that may enter the mask."""
    last = {id(p) for p in model.head.parameters()}

    def enters(p: Tensor) -> bool:
        in_head = id(p) in last
        wanted = config.head == "in" or in_head == (config.head == "only")
        return wanted and (config.tensors == "all" or p.dim() > 1)

    return [name for name, p in trainable(model).items() if enters(p)]


# B. masked training


def objective(teacher: nn.Module, view: TaskView, config: Config) -> Loss:
    """The loss of step B; ``teacher`` is copied."""
    teacher = copy.deepcopy(teacher).eval().requires_grad_(False)
    remaining = view.retain_classes
    restricted = torch.zeros(view.num_classes, dtype=torch.bool, device=device())
    restricted[view.forget_classes] = True

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        logits, hit = model(x), restricted[y]
        value = classification(logits, y, hit, remaining, config)
        if not config.distillation:
            return value
        taught = answers(teacher, x, "retain", hit)
        kd = distillation(
            logits[:, remaining], taught[:, remaining], config.temperature, config.scaled
        )
        if config.kd_images == "remaining":
            kd = kd * ~hit
        return value + config.distillation * kd.mean()

    return loss


def classification(
    logits: Tensor, y: Tensor, restricted: Tensor, remaining: list[int], config: Config
) -> Tensor:
    """``1/S (sum CE over remaining images - sum CE over restricted ones)``.

    Parameters
    ----------
    logits, y, restricted
        ``[S, K]``, ``[S]`` and bool ``[S]``: which images are of restricted classes.
    """
    logits = logits.float()
    ce = F.cross_entropy(logits, y, reduction="none")
    ascended = ce
    if config.bound == "stop":
        ascended = ce.clamp_max(2 * math.log(logits.shape[1]))
    kept = ce
    if config.ce_logits == "remaining":
        kept = logits[:, remaining].logsumexp(1) - logits.gather(1, y[:, None]).squeeze(1)
    gain = ascended[restricted].sum() if config.ascent else 0.0
    return (kept[~restricted].sum() - gain) / len(y)

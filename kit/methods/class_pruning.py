"""Class-discriminative pruning: remove the channels that speak for a class, then fine-tune.

Wang, Guo, Xie, Qi, "Federated Unlearning via Class-Discriminative Pruning", WWW 2022
(arXiv:2110.11794). Channels are words, classes are documents, mean activations are counts:

    TF    share of channel j in the activation of class c, within its layer
    IDF   log of the number of classes over the number of classes in which channel j is active
    score TF * IDF: high where a channel is active for class c and for few others

    1. report     mean activation of every channel on every class
    2. prune      for each forgotten class: score the channels, zero those with the highest scores
    3. fine-tune  on the retained classes

In a federation (``kit.federated``) step 1 takes place on the clients, which send the means alone.

Needs    all images once, forward only, for the means; the retained ones for fine-tuning.
Cost     a forward pass over the images per forgotten class, ``epochs`` passes over the retained.

Variants
    "paper"     as the paper describes it.
    "code"      as the authors' code does it: the LOWEST scores are pruned, by one threshold for the
                whole network, from 256 augmented images; BatchNorm stays, so that a zeroed channel
                emits a constant; and fine-tuning may bring it back to life.
Every difference is a setting of its own; see ``VARIANTS``.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.methods.logit_mask import mask_logits
from kit.models.channels import batchnorms_of, gates_of, still_speaking, zero_rows
from kit.parts.class_means import ClassMeans, class_means, pooled
from kit.parts.freezing import highest
from kit.runtime.checks import not_negative, one_of
from kit.runtime.device import device
from kit.training import Recipe, fit
from kit.training.augment import Augment

VARIANTS = {
    "paper": {
        "direction": "highest",
        "scope": "layer",
        "idf": "paper",
        "batchnorm": "zeroed",
        "mask": "kept",
        "images": 0,
    },
    "code": {
        "direction": "lowest",
        "scope": "global",
        "idf": "code",
        "batchnorm": "kept",
        "mask": "released",
        "images": 256,
    },
}
CHOICES = {
    "variant": tuple(VARIANTS),
    "direction": ("highest", "lowest", "random", "none"),
    "scope": ("layer", "global"),
    "idf": ("paper", "code"),
    "batchnorm": ("zeroed", "kept"),
    "mask": ("kept", "released"),
    "head": ("kept", "masked"),
}


@dataclass(frozen=True)
class Config:
    """Settings; those that are None take the value of the variant."""

    variant: str = "paper"
    share: float = 0.15  # of the channels; the authors' code: 0.05 for ResNet-20, 0.1 for VGG-11
    direction: str | None = None  # which scores are pruned: "highest", "lowest", "random", "none"
    scope: str | None = None  # of each "layer", or of the whole network: "global"
    idf: str | None = None
    batchnorm: str | None = None  # of a pruned channel: "zeroed" (it is silent) or "kept"
    mask: str | None = None  # during fine-tuning: "kept" or "released"
    images: int | None = None  # for the means: so many at random, augmented; 0: all, as they are
    head: str = "kept"  # "masked": the forgotten classes' logits, too, are put out of reach
    epochs: int = 3  # of fine-tuning; 0: prune only
    lr: float = 0.05  # falls along a cosine
    batch_size: int = 128
    augment: Augment = Augment()

    def __post_init__(self):
        for name, value in VARIANTS.get(self.variant, {}).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for name, choices in CHOICES.items():
            one_of(name, getattr(self, name), choices)
        if not 0 < self.share < 1:
            raise ValueError(f"share must lie between 0 and 1, got {self.share}")
        not_negative(images=self.images, epochs=self.epochs)

    @property
    def recipe(self) -> Recipe:
        """How to fine-tune."""
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            lr=self.lr,
            schedule="cosine",
            label_smoothing=0.0,
            augment=self.augment,
        )


@register(
    "class_pruning",
    level=("class",),
    needs=Needs(retain="all", forget="all"),
    paper="wang2022federated",
    config=Config,
    grid={"share": (0.05, 0.15, 0.3), "lr": (0.02, 0.05, 0.1), "epochs": (1, 3)},
    toy={"epochs": 6, "lr": 0.1, "batch_size": 32},
)
def class_pruning(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Steps 1 to 3; the history names the pruned channels, "layer:channel", class by class."""
    pruned: dict[str, Tensor] = {}
    history = {f"pruned_{c}": [] for c in view.forget_classes}
    classes = [] if config.direction == "none" else view.forget_classes  # "none" needs no means
    x = torch.randn(1, *view.input_shape, generator=torch.Generator().manual_seed(seed))
    x = x.to(device())  # to follow the channels through the network
    norms = batchnorms_of(model, x) if config.batchnorm == "zeroed" else {}
    for c in classes:
        means = report(model, [view.retain, view.forget], config.images, seed)
        chosen = choose(prunable(means, model, norms, x), c, config, seed + c)
        silence(model, chosen, config.batchnorm, norms)
        pruned = union(pruned, chosen)
        history[f"pruned_{c}"] = [
            f"{name}:{j}"
            for name, mask in chosen.items()
            for j in mask.nonzero().flatten().tolist()
        ]
    if norms and (loud := still_speaking(model, pruned, norms, x)):
        raise ValueError(f"pruned channels still speak in {', '.join(loud)}")
    if config.epochs:
        silent = pruned if config.mask == "kept" else {}
        tuned = fit(
            model, view.retain, config.recipe, seed=seed, title="fine-tuning",
            after_step=keep_silent(model, silent, config.batchnorm, norms),
        )  # fmt: skip
        history["loss"] = tuned.loss
    if config.head == "masked":
        mask_logits(model, view.forget_classes)
    return history


# 1. report


def report(model: nn.Module, splits: list[Split], images: int = 0, seed: int = 0) -> ClassMeans:
    """Class means of all images of the splits, or of about ``images`` of them, augmented."""
    if not images:
        return pooled([class_means(model, split) for split in splits])
    per_class = max(1, images // splits[0].num_classes)
    crop_and_flip = Augment(crop=splits[0].pixels.shape[-1] // 8, flip=True)
    return pooled(
        [class_means(model, s.per_class(per_class, seed), crop_and_flip, seed) for s in splits]
    )


# 2. prune


def tfidf(class_means: Tensor, target: int, idf: str = "paper") -> Tensor:
    """How much each channel of one layer speaks for the class ``target``.

    Parameters
    ----------
    class_means
        mean activations, ``[classes, channels]``, not negative.
    target
        the class index.
    idf
        in which classes a channel counts as active: "paper", where its mean is at least the mean
        over the channels of that class; "code", where it is at least its own mean over the classes.

    Returns
    -------
    scores ``[channels]``, sections 3.2 and 3.3 of the paper.
    """
    classes = len(class_means)
    activation = class_means.double()
    one_of("idf", idf, ("paper", "code"))
    if activation.dim() != 2 or not 0 <= target < classes:
        raise ValueError(
            f"need class means [classes, channels] and a class of them, got "
            f"{tuple(class_means.shape)} and {target}"
        )
    tf = activation[target] / activation[target].sum().clamp(min=1e-12)
    reference = activation.mean(1 if idf == "paper" else 0, keepdim=True)
    active = (activation >= reference).sum(0)  # [channels]: number of classes
    numerator = 1 + classes if idf == "paper" else classes
    return (tf * torch.log(numerator / (1 + active))).float()


def prunable(means: ClassMeans, model: nn.Module, norms: dict[str, str], x: Tensor) -> ClassMeans:
    """The means of the layers that can be silenced: what speaks last, they or their norms, is not
    frozen, and they do not answer with factors for other channels.

    Raises
    ------
    ValueError
        there is none.
    """
    last = {name: model.get_submodule(norms.get(name, name)) for name in means.means}
    left = {name for name in last if not frozen(last[name])} - gates_of(model, x)
    kept = {name: m for name, m in means.means.items() if name in left}
    if not kept:
        raise ValueError("class pruning removes channels of convolutions; all of them are frozen")
    return replace(means, means=kept)


def frozen(layer: nn.Module) -> bool:
    """Whether a parameter of this layer may not change."""
    return not all(p.requires_grad for p in layer.parameters())


def choose(means: ClassMeans, target: int, config: Config, seed: int) -> dict[str, Tensor]:
    """The channels to prune for one class: layer name -> bool ``[channels]``."""
    scores = {name: tfidf(m, target, config.idf) for name, m in means.means.items()}
    if config.direction == "none":
        return {name: torch.zeros_like(s, dtype=torch.bool) for name, s in scores.items()}
    if config.direction == "random":
        draw = torch.Generator().manual_seed(seed)
        scores = {name: torch.rand(len(s), generator=draw) for name, s in scores.items()}
    if config.direction == "lowest":
        scores = {name: -s for name, s in scores.items()}
    return select(scores, config.share, config.scope)


def select(scores: dict[str, Tensor], share: float, scope: str = "layer") -> dict[str, Tensor]:
    """The channels with the highest scores: layer name -> bool ``[channels]``.

    "layer" takes this share of each layer, rounded down. "global" takes all above one threshold, as
    the authors' code does: a channel more than the share, ties included, and none of the layers of
    which the share is less than one channel.
    """
    if scope == "layer":
        return {name: highest(s, int(share * len(s) + 1e-9)) for name, s in scores.items()}
    everything = torch.cat(list(scores.values()))
    kept = int((1 - share) * len(everything) + 1e-9)
    threshold = everything.sort(descending=True).values[len(everything) - kept]
    return {name: (s >= threshold) & (int(share * len(s) + 1e-9) > 0) for name, s in scores.items()}


@torch.no_grad()
def silence(
    model: nn.Module, pruned: dict[str, Tensor], batchnorm: str = "zeroed",
    norms: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """Zero the filters of the pruned channels and, if asked, the BatchNorm that follows.

    With ``batchnorm="kept"`` a channel whose filter is zero still emits BatchNorm's constant
    ``beta - gamma * mean / sqrt(var + eps)``.

    Parameters
    ----------
    norms
        what ``batchnorms_of`` says of the network; by default it is asked.

    Raises
    ------
    ValueError
        a channel that cannot be made to emit 0.
    """
    modules = dict(model.named_modules())
    if norms is None:
        norms = batchnorms_of(model) if batchnorm == "zeroed" else {}
    for name, mask in pruned.items():
        for layer in (modules[name], modules.get(norms.get(name))):
            if layer is not None and not frozen(layer):
                zero_rows(layer, mask)


def keep_silent(
    model: nn.Module, pruned: dict[str, Tensor], batchnorm: str = "zeroed",
    norms: dict[str, str] | None = None,
):  # fmt: skip
    """What fine-tuning calls after each step: silence the pruned channels again, or nothing."""
    if not any(mask.any() for mask in pruned.values()):
        return None
    if norms is None:
        norms = batchnorms_of(model) if batchnorm == "zeroed" else {}

    def again(step: int) -> None:
        silence(model, pruned, batchnorm, norms)

    return again


def union(one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
    """The channels that are in either."""
    return {name: mask | one[name] if name in one else mask for name, mask in other.items()}

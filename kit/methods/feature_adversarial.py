"""Feature unlearning with annotations (Xu et al. 2024): a remover against an adversary.

A remover R learns to hide the feature in the image, x -> x * mask(x), from an adversary g that has
learnt to see it; the network f is then tuned on the filtered images. Both take turns.

    R:  minimise  CE(f(R(x)), y) + lambda * hide(g(R(x)), a) + beta * |R(x) - x|
    f:  minimise  CE(f(R(x)), y)

As published (``variant="code"``) hide is -CE(g(R(x)), a), g stays as it was first trained, and only
images that carry the feature are used. Where g is nearly perfect that term has next to no gradient.
With ``variant="paper"`` g is kept up to date on what R shows it, as the game in the paper needs,
all images are used, and hide is the cross-entropy of g with "fifty-fifty".

Either way f is only ever tuned on *filtered* images. ``consolidation`` is our addition, in neither
paper nor code: tune f so that it says of the raw image what it says of the filtered one,

    minimise  CE(f(x), y) + CE(f(R(x)), y) + mu * KL(f(R(x)) || f(x)).

Needs    the training images with the annotations of the feature.
Cost     training an adversary; ``epochs`` x (a pass for R through f and g, a pass for f).
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.parts.adversary import ADVERSARY, attribute_loss, train_adversary, with_both
from kit.parts.distillation import answers
from kit.parts.filters import Remover, make_remover, through
from kit.parts.freezing import frozen
from kit.runtime.checks import one_of
from kit.runtime.cost import count_passes
from kit.runtime.device import device
from kit.training import Loss, Recipe, constant_rate, fit

WEIGHT_DECAY = 1e-6


@dataclass(frozen=True)
class Config:
    """Settings. The published lambda = beta = 5 (one feature; 10 and 1 for two) darken everything
    on the kit's small images; these keep what is removed small."""

    variant: str = "paper"  # "paper" or "code"
    epochs: int = 6  # turns of remover and network
    strength: float = 1.0  # lambda
    restraint: float = 20.0  # beta
    lr: float = 5e-3  # Adam, of the remover and its adversary
    tuning_lr: float = 2e-4  # Adam, of the network
    batch_size: int = 128
    channels: int = 1  # of the mask
    width: int = 16  # of the remover
    adversary: Recipe = ADVERSARY
    drift: bool = False  # frozen networks in training mode: their BatchNorm statistics move
    raw_range: bool = False  # feed pixels in [0, 1] to a network trained on normalised inputs
    consolidation: int = 0  # epochs, our addition
    consistency: float = 20.0  # mu
    amount: str = "all"  # of the images

    def __post_init__(self):
        one_of("variant", self.variant, ("paper", "code"))

    @property
    def needs(self) -> Needs:
        return Needs(train=self.amount, annotations=True)


@register(
    "feature_adversarial",
    level=("feature",),
    paper="xu2024feature",
    config=Config,
    toy={
        "epochs": 8,
        "batch_size": 32,
        "width": 8,
        "adversary": replace(ADVERSARY, epochs=8, batch_size=32),
    },
)
def feature_adversarial(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Train a remover and tune the network on what it lets through.

    Raises
    ------
    ValueError
        no image that carries all features (``variant="code"`` uses no others).
    """
    images, values = view.train, view.annotations
    adversary = train_adversary(model, images, values, seed=seed + 1, recipe=config.adversary)
    remover = make_remover(
        images, seed=seed, channels=config.channels, width=config.width,
        renormalise=not config.raw_range,
    )  # fmt: skip
    if config.variant == "code":
        carries = values.bool().all(1)
        if not carries.any():
            raise ValueError("no image carries all the features to forget")
        images, values = images.take(carries), values[carries]
    game = Game(remover, model, adversary, values.shape[1], config)
    pass_over = _pass(config, config.tuning_lr)
    history = {"remover_loss": [], "network_loss": []}
    for epoch in range(config.epochs):
        draw = seed * config.epochs + epoch
        history["remover_loss"] += remove(game, with_both(images, values), draw)
        history["network_loss"] += fit(
            model, images, pass_over, seed=draw, loss=through(remover), title="tuning"
        ).loss
    if config.consolidation:
        recipe = replace(pass_over, epochs=config.consolidation)
        loss = consolidating(remover, config.consistency)
        fit(model, view.train, recipe, seed=seed, loss=loss, title="consolidation")
    return history | {"filter": remover.eval()}


class Game(nn.Module):
    """A remover with the two networks it plays against; they are held, but not its parameters."""

    def __init__(self, remover: Remover, network: nn.Module, adversary: nn.Module, k: int,
                 config: Config):  # fmt: skip
        super().__init__()
        self.remover = remover
        self.against = (network.to(device()), adversary.to(device()))
        self.k, self.config = k, config
        self.optimizer = torch.optim.Adam(adversary.parameters(), config.lr)

    def train(self, mode: bool = True) -> "Game":
        """The others stay in eval mode, unless they are meant to drift."""
        super().train(mode)
        for network in self.against:
            network.train(mode and self.config.drift)
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.against[0](self.remover(x))

    def loss(self, _: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
        """The remover's objective; ``labels`` as ``with_both`` makes them."""
        network, adversary = self.against
        y, code = labels // 2**self.k, labels % 2**self.k
        others = 3 if self.config.variant == "paper" else 2  # fit counts the remover's own pass
        count_passes("train", forward=others * len(x), backward=others * len(x))
        mask = self.remover.mask(x)
        pixels = self.remover.pixels(x)
        shown = self.remover.show(pixels * mask)
        if self.config.variant == "paper":
            self._update(adversary, shown.detach(), code)
            hide = F.binary_cross_entropy_with_logits(
                said := adversary(shown).float(), torch.full_like(said, 0.5)
            )
        else:
            hide = -attribute_loss(self.k)(adversary, shown, code)
        changed = (pixels * (1 - mask)).abs().mean()
        task = F.cross_entropy(network(shown).float(), y)
        return task + self.config.strength * hide + self.config.restraint * changed

    def _update(self, adversary: nn.Module, shown: Tensor, code: Tensor) -> None:
        """One step of the adversary on what the remover shows now."""
        adversary.requires_grad_(True)
        self.optimizer.zero_grad(set_to_none=True)
        attribute_loss(self.k)(adversary, shown, code).backward()
        self.optimizer.step()
        adversary.requires_grad_(False)


def remove(game: Game, labelled: Split, seed: int) -> list[float]:
    """One pass that changes the remover (and its adversary, if that keeps up), and nothing else."""
    network, adversary = game.against
    recipe = _pass(game.config, game.config.lr)
    with frozen(network), frozen(adversary):
        history = fit(game, labelled, recipe, seed=seed, loss=game.loss, title="remover")
    return history.loss


def consolidating(remover: Remover, consistency: float) -> Loss:
    """Our extension: what the network says of the raw image is to be what it says of the filtered.

    The filtered image is the teacher: no gradient flows back through it in the KL term.
    """

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        shown = answers(remover, x, "train")
        count_passes("train", forward=len(x), backward=len(x))  # the filtered images' own pass
        raw, filtered = model(torch.cat([x, shown])).float().chunk(2)
        taught = filtered.detach().log_softmax(1)
        kl = F.kl_div(raw.log_softmax(1), taught, log_target=True, reduction="batchmean")
        return F.cross_entropy(raw, y) + F.cross_entropy(filtered, y) + consistency * kl

    return loss


def _pass(config: Config, lr: float) -> Recipe:
    """One epoch of Adam; a new optimizer each time, as in the published code."""
    return constant_rate(1, lr, config.batch_size, "adam", weight_decay=WEIGHT_DECAY)

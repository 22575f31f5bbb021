"""Feature unlearning without annotations (Xu et al. 2024): find the pattern, black it out, tune.

1. An identifier of the network's architecture learns the classes, and to let channels of its last
   stage but one fire in groups (icCNN, Shen et al., IJCAI 2021): CE + similarity * L_group.
2. Spectral clustering groups the channels; the largest eigen-gap says how many groups.
3. Somebody looks at the maps, a few channels of each group, and names those that fire on the
   unwanted pattern (``channels``; the published one is a single channel). Or a rule without labels
   takes the ``most`` channels whose maps are the most concentrated, at places the furthest apart,
   on the images on which they fire most. What belongs to an object is spread out, or always at the
   same place; a small sign that may be anywhere is neither.
4. Where one of these maps, scaled to [0, 1], exceeds a threshold, the image is blackened.
5. The network is tuned on the blackened images.

As published (``variant="code"``) a map is scaled by the extremes of the *batch*, so that an image
is filtered by the company it keeps; ``variant="paper"`` takes those of the training images.

Needs    the training images, their classes, no annotation.
Cost     training an identifier, ``epochs`` passes of tuning, each with one of the identifier.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split
from kit.methods import Needs, TaskView, register
from kit.models.fresh import fresh
from kit.models.stages import as_maps
from kit.parts.filters import ImageFilter, through
from kit.parts.grouping import (
    alike,
    caught,
    eigen_gaps,
    group_loss,
    maps_of,
    mean_maps,
    similarity_over,
    spectral_groups,
)
from kit.runtime.checks import one_of
from kit.runtime.device import device
from kit.training import Recipe, batches, constant_rate, cross_entropy, fit

MOST_GROUPS = 24  # more are beyond what a reader looks at
DECAY = 0.95  # of the running mean map


@dataclass(frozen=True)
class Config:
    """Settings; Adam throughout. The published training takes 2,500 epochs of 10,240 images."""

    variant: str = "paper"  # "paper" or "code"
    identifier_epochs: int = 4  # with the classes alone
    group_epochs: int = 4  # with the group loss; grouped anew before each of the first half
    similarity: float = 0.3  # weight of the group loss
    groups: int | None = None  # None: by the eigen-gap
    channels: tuple[int, ...] = ()  # to black out; none: by the rule
    most: int = 2  # channels that the rule takes
    threshold: float = 0.2
    identifier_lr: float = 2e-3
    epochs: int = 2
    lr: float = 1e-3
    batch_size: int = 128
    amount: str = "all"  # of the images

    def __post_init__(self):
        one_of("variant", self.variant, ("paper", "code"))

    @property
    def needs(self) -> Needs:
        return Needs(train=self.amount)


@register(
    "feature_filter",
    level=("feature",),
    paper="xu2024feature",
    config=Config,
    toy={"identifier_epochs": 8, "batch_size": 32},
)
def feature_filter(model: nn.Module, view: TaskView, config: Config, seed: int) -> dict:
    """Train an identifier, black out what its channels fire on, tune the network.

    Raises
    ------
    ValueError
        a channel that does not exist, a model that cannot be rebuilt.
    """
    identifier, groups, gaps, loss = train_identifier(model, view.train, config, seed)
    channels = config.channels or roaming(identifier, view.train).topk(config.most).indices.tolist()
    image_filter = MapFilter(identifier, channels, view.train, config)

    recipe = _adam(config, config.epochs, config.lr)
    tuning = fit(model, view.train, recipe, seed=seed, loss=through(image_filter), title="tuning")
    return {
        "identifier_loss": loss, "network_loss": tuning.loss, "gaps": gaps.tolist(),
        "channels": list(channels), "groups": groups.tolist(), "filter": image_filter,
    }  # fmt: skip


def train_identifier(
    model: nn.Module, images: Split, config: Config, seed: int
) -> tuple[nn.Module, Tensor, Tensor, list[float]]:
    """An identifier, the group of each channel of its last stage, the eigen-gaps, the losses."""
    identifier = copy.deepcopy(fresh(model, seed + 1))
    recipe = _adam(config, config.identifier_epochs, config.identifier_lr)
    losses = fit(identifier, images, recipe, seed=seed, title="identifier").loss
    groups, gaps = _group(identifier, images, config, seed)
    for epoch in range(config.group_epochs):
        if 0 < epoch <= config.group_epochs // 2:
            groups, gaps = _group(identifier, images, config, seed)
        loss = _compositional(identifier, images, groups, config)
        once = replace(recipe, epochs=1)
        losses += fit(identifier, images, once, seed=seed + epoch, loss=loss, title="groups").loss
    groups, gaps = _group(identifier, images, config, seed)
    return identifier, groups, gaps, losses


def _group(
    identifier: nn.Module, images: Split, config: Config, seed: int
) -> tuple[Tensor, Tensor]:
    similarity = similarity_over(identifier, _stage(identifier), images)
    gaps = eigen_gaps(similarity, MOST_GROUPS)
    count = config.groups or int(gaps[1:].argmax()) + 2  # the first gap says: one group
    return spectral_groups(similarity, count, seed), gaps


def _compositional(identifier: nn.Module, images: Split, groups: Tensor, config: Config):
    """Cross-entropy plus the group loss, with a running mean of the maps."""
    stage = _stage(identifier)
    mean = mean_maps(identifier, stage, images)
    groups = groups.to(device())

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        with caught(model, stage) as maps:
            task = cross_entropy()(model, x, y)
        found = as_maps(maps[0]).float()
        mean.mul_(DECAY).add_(found.detach().mean(0), alpha=1 - DECAY)
        return task + config.similarity * group_loss(alike(found, mean), groups)

    return loss


@torch.no_grad()
def roaming(identifier: nn.Module, images: Split, share: float = 0.2) -> Tensor:
    """How concentrated and how mobile each channel's pattern is, ``[C]``: the rule without labels.

    On the ``share`` of images on which the channel fires most: the part of its mass within one
    cell of its peak, times the standard deviation of the place of the peak, in widths of the map.
    """
    peaks, places, near = [], [], []
    for maps in maps_of(identifier, _stage(identifier), images):
        peak, place = maps.flatten(2).max(2)
        around = F.avg_pool2d(maps, 3, 1, 1, divisor_override=1).flatten(2)
        mass = maps.flatten(2).sum(2).clamp_min(1e-6)
        near.append(around.gather(2, place[..., None]).squeeze(2) / mass)
        peaks.append(peak)
        places.append(torch.stack([place // maps.shape[3], place % maps.shape[3]], -1))
    size = maps.shape[3]
    strongest = torch.cat(peaks).topk(max(2, round(share * len(images))), dim=0).indices  # [n, C]
    concentration = torch.cat(near).gather(0, strongest).mean(0)
    places = torch.cat(places).float() / size  # [N, C, 2]
    spread = places.gather(0, strongest[..., None].expand(-1, -1, 2)).var(0).sum(-1).sqrt()
    return concentration * spread


class MapFilter(ImageFilter):
    """Blackens the pixels in which channels of the identifier fire above a threshold.

    Raises
    ------
    ValueError
        a channel that does not exist.
    """

    def __init__(self, identifier: nn.Module, channels: Sequence[int], images: Split,
                 config: Config):  # fmt: skip
        super().__init__(images.mean, images.std)
        self.identifier = identifier.eval().requires_grad_(False)
        self.channels = list(channels)
        self.threshold, self.by_batch = config.threshold, config.variant == "code"
        self.to(device())
        maps = [self._maps(x) for x, _ in batches(images)]
        self.register_buffer("low", torch.stack([m.amin((0, 2, 3)) for m in maps]).amin(0))
        self.register_buffer("high", torch.stack([m.amax((0, 2, 3)) for m in maps]).amax(0))

    @torch.no_grad()
    def _maps(self, x: Tensor) -> Tensor:
        """The maps of the channels, ``[B, channels, h, w]``."""
        with caught(self.identifier, _stage(self.identifier)) as maps:
            self.identifier(x)
        found = as_maps(maps[0])
        wrong = [c for c in self.channels if not 0 <= c < found.shape[1]]
        if wrong:
            raise ValueError(f"there are channels 0..{found.shape[1] - 1}, not {wrong}")
        return found[:, self.channels].float()

    def heats(self, x: Tensor) -> Tensor:
        """How much each channel fires at each pixel, ``[B, channels, S, S]`` in [0, 1]."""
        found = self._maps(x)
        low, high = self.low, self.high
        if self.by_batch:
            low, high = found.amin((0, 2, 3)), found.amax((0, 2, 3))
        scaled = (found - low[:, None, None]) / (high - low).clamp_min(1e-6)[:, None, None]
        return F.interpolate(scaled, x.shape[2:], mode="bilinear")

    def mask(self, x: Tensor) -> Tensor:
        """1 for what is kept, 0 for what is blackened, ``[B, 1, S, S]``."""
        return (self.heats(x).amax(1, keepdim=True) <= self.threshold).float()


def _stage(identifier: nn.Module) -> str:
    """The last stage but one, as in the paper: deep enough for patterns, and still fine enough."""
    return identifier.stages[-2:][0]


def _adam(config: Config, epochs: int, lr: float) -> Recipe:
    return constant_rate(epochs, lr, config.batch_size, "adam", weight_decay=1e-6)

"""Toy requests, toy networks, and ``Case``: a method on them. All are made when first asked for."""

import copy
import functools
import hashlib
import random

import numpy
import torch
from torch import nn

from kit import models
from kit.datasets import ImageData
from kit.datasets.toy import toy_data
from kit.methods.access import Needs
from kit.methods.registry import Method, get
from kit.methods.unlearn import Unlearned, unlearn
from kit.parts.mixed_linear import MixedLinear
from kit.tasks import FeatureTask, ForgetTask, forget_classes, forget_feature, forget_samples
from kit.training import Recipe, fit

IMAGES = range(0, 240, 12)  # single images to forget, of all classes
RECIPE = Recipe(epochs=6, batch_size=32, lr=0.1, bf16=False)  # of the toy networks


@functools.cache
def toy_task() -> ForgetTask:
    """Forget one class of four."""
    return forget_classes(toy_data(), [1])


@functools.cache
def toy_feature_task() -> FeatureTask:
    """A sign in a corner of larger toy images, whose classes are hard to tell without it."""
    return forget_feature(toy_data(per_class=100, size=20, signal=0.06), "glyph", common=[0, 3])


@functools.cache
def toy_original() -> nn.Module:
    model = models.build("resnet8", toy_task(), width=8)
    fit(model, toy_task().train, RECIPE)
    return model


@functools.cache
def toy_retrained() -> nn.Module:
    model = models.build("resnet8", toy_task(), width=8, seed=1)
    fit(model, toy_task().retain, RECIPE, seed=1)
    return model


@functools.cache
def toy_feature_original() -> nn.Module:
    model = models.build("cnn", toy_feature_task(), width=8)
    recipe = Recipe(epochs=10, batch_size=32, optimizer="adam", lr=5e-3, bf16=False)
    fit(model, toy_feature_task().train, recipe)
    return model


@functools.cache
def toy_mixed() -> MixedLinear:
    """Its core has never seen the class: only the user weights know it."""
    model = MixedLinear(copy.deepcopy(toy_retrained()), layers=["stage3", "head"])
    model.learn(toy_task().train)
    return model.eval().requires_grad_(True)


class Case:
    """A method with a request and a network of its kind, and its one outcome on them.

    The images are its own: a method that spoils them spoils no other case.
    """

    def __init__(self, name: str, network: nn.Module | None = None):
        self.name, self.method = name, get(name)
        self._network = network
        # Known with the outcome: the network's state before it, and what it should have left alone.
        self.before: dict[str, torch.Tensor] = {}
        self.disturbed: list[str] = []

    @functools.cached_property
    def needs(self) -> Needs:
        """What the method may see with its toy settings."""
        return self.method.access(self.method.configure(**self.method.toy))

    @functools.cached_property
    def task(self) -> ForgetTask:
        return toy_feature_task.__wrapped__() if feature_alone(self.method) else self.asked()

    def asked(self, data: ImageData | None = None) -> ForgetTask:
        """The class or the single images to forget, of the toy data or of other ones."""
        data = data or toy_data()
        within = range(0, len(data.train_y), 2) if self.needs.validation else None
        if "class" in self.method.level:
            return forget_classes(data, [1], within=within)
        return forget_samples(data, IMAGES, within=within)

    @functools.cached_property
    def network(self) -> nn.Module:
        if self._network is not None:
            return self._network
        if feature_alone(self.method):
            return toy_feature_original()
        made = {nn.Module: toy_original, MixedLinear: toy_mixed}.get(self.method.takes)
        if made is None:
            kind = self.method.takes.__qualname__
            raise ValueError(f"{self.name} takes a {kind}: give one trained on it, network=...")
        return made()

    @functools.cached_property
    def outcome(self) -> Unlearned:
        self.before = copy.deepcopy(self.network.state_dict())
        before = _surroundings(self.task)
        out = self.run()
        after = _surroundings(self.task)
        self.disturbed = [name for name, state in before.items() if state != after[name]]
        return out

    def run(
        self, task: ForgetTask | None = None, network: nn.Module | None = None, seed: int = 0
    ) -> Unlearned:
        """Another run, with the method's toy settings."""
        return unlearn(
            self.name, network or self.network, task or self.task, seed=seed, **self.method.toy
        )


def _surroundings(task: ForgetTask) -> dict[str, object]:
    """Hashes of what is lent to a method or around it, and must be the same afterwards."""
    images = hashlib.sha256()
    for split in (task.train, task.forget, task.retain, task.test):
        images.update(split.pixels.numpy().tobytes() + split.targets.numpy().tobytes())
    return {
        "the images or labels that it was lent": images.hexdigest(),
        "the state of torch's random numbers": torch.get_rng_state().tolist(),
        "the state of numpy's random numbers": str(numpy.random.get_state()),
        "the state of Python's random numbers": random.getstate(),
    }


def feature_alone(method: Method) -> bool:
    """Whether it serves features and nothing else."""
    return set(method.level) == {"feature"}

"""A training that was interrupted goes on: what ``fit`` needs to know, kept after each epoch."""

import json
import math
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Generator, nn

from kit.runtime.device import device
from kit.runtime.files import whole
from kit.training.recipes import Recipe


@dataclass
class Training:
    """All that changes while ``fit`` runs.

    Parameters
    ----------
    file
        where it is kept after each epoch; None keeps nothing.
    key
        what the training is; a file of another one is not read.
    """

    file: Path | None
    key: str
    model: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    generators: tuple[Generator, ...]
    history: object  # a dataclass of plain values

    def save(self, stopped: bool = False) -> None:
        """Keep the training as it stands, or as ``stopped`` for good; a reader sees the whole file
        or none."""
        if self.file is None:
            return
        state = {
            "key": self.key,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "generators": [g.get_state() for g in self.generators],
            "random": torch.get_rng_state(),
            "history": asdict(self.history),
            "stopped": stopped,
        }
        if device().type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(device())
        with whole(self.file) as half:
            torch.save(state, half)

    def resume(self) -> float:
        """Take up the training where it was left; how many epochs are done, 0 if none is kept,
        infinitely many if it was stopped for good.

        A damaged file, or one of another training, is left aside with a warning.
        """
        if self.file is None or not self.file.exists():
            return 0
        try:
            state = torch.load(self.file, map_location="cpu", weights_only=True)
            if state["key"] != self.key:
                raise ValueError("it is of another training")
        except Exception as error:  # torch.load raises many kinds for a damaged file
            warnings.warn(f"{self.file} is not used ({error}); training anew", stacklevel=4)
            return 0
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        for generator, kept in zip(self.generators, state["generators"], strict=True):
            generator.set_state(kept)
        torch.set_rng_state(state["random"])
        if "random_cuda" in state:
            torch.cuda.set_rng_state(state["random_cuda"], device())
        for name, value in state["history"].items():
            setattr(self.history, name, value)
        return math.inf if state["stopped"] else len(self.history.loss)


def key_of(model: nn.Module, images: int, recipe: Recipe, seed: int, eval_mode: bool) -> str:
    """What tells one training from another, but for what the images are."""
    shapes = [(name, list(t.shape)) for name, t in model.state_dict().items()]
    return json.dumps([shapes, images, asdict(recipe), seed, eval_mode])

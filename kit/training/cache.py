"""Trained models shared between chapters and runs: train once, load ever after."""

import functools
import hashlib
import json
import os
import warnings
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch
from filelock import FileLock
from torch import nn

from kit import models
from kit.datasets.split import Split
from kit.models.fresh import fresh
from kit.runtime.checks import one_of
from kit.runtime.cost import measure
from kit.runtime.device import bf16_is_fast, device
from kit.runtime.files import user_cache, whole
from kit.runtime.version import PACKAGE
from kit.tasks import ForgetTask
from kit.training.augment import refuse_maps
from kit.training.loop import History, fit
from kit.training.recipes import Recipe
from kit.training.watch import watching

# The code that decides what weights a training ends with, in the folder of the package.
DECIDES = (
    "datasets/split.py", "models/*.py", "runtime/device.py", "training/augment.py",
    "training/batching.py", "training/below.py", "training/cache.py", "training/ensemble.py",
    "training/loop.py", "training/recipes.py", "training/resume.py",
)  # fmt: skip
RETRAIN_SEED = 1000  # seeds of originals count from 0, those of retrained models from here


def cache_root() -> Path:
    """``$KIT_CACHE``, else a folder in the user's cache."""
    return Path(os.environ.get("KIT_CACHE") or user_cache() / "models").expanduser()


def trained(
    name: str | nn.Module, task: ForgetTask, *, on: str = "train", seed: int = 0,
    recipe: Recipe | None = None, **options,
) -> nn.Module:  # fmt: skip
    """The network ``name`` trained on ``task.train`` (the original) or ``task.retain`` (the gold
    standard), from the cache if it is there. A ``FeatureTask`` also has ``on="clean"``: the feature
    never seen. A network of ``kit.models.wrap`` in place of a name is made anew.

    The returned model carries ``model.training_history`` and ``model.training_cost`` (seconds and
    passes of the training, whenever it took place). Two processes that ask for the same model at
    once train it once; a file is written under another name and then renamed, so a half-written
    one is never read.

    Raises
    ------
    ValueError
        as ``kit.models.build`` and ``kit.fit``; a recipe that augments activations.
    """
    recipe = recipe or Recipe()
    model, file = place(name, task, on=on, seed=seed, recipe=recipe, **options)
    with FileLock(file.with_suffix(".lock")):
        ready = file.exists() and _load(model, file)
        if ready and watching() and not model.training_history.looks:
            model, ready = model.rebuild(seed), False  # nobody watched that training
        if not ready:
            part = None if watching() else file.with_suffix(".part")
            with measure() as meter:
                history = fit(
                    model, getattr(task, on), recipe, seed=seed, resume=part, title="training"
                )
            seconds = max(meter.seconds, history.seconds)  # of all sittings
            save(model, history, {"seconds": seconds, "passes": dict(meter.passes)}, file)
            _load(model, file)
            if part is not None:
                part.unlink(missing_ok=True)
    return model.to(device())


def retrained(
    name: str | nn.Module, task: ForgetTask, *, on: str = "retain", seed: int = 0,
    recipe: Recipe | None = None, **options,
) -> nn.Module:  # fmt: skip
    """The gold standard that belongs to the original of this seed: ``trained`` on what is retained.

    Its own seed is ``RETRAIN_SEED`` later: it shares neither initialisation nor order of images
    with the original, nor with that of another seed.
    """
    return trained(name, task, on=on, seed=RETRAIN_SEED + seed, recipe=recipe, **options)


def place(
    name: str | nn.Module, task: ForgetTask, *, on: str, seed: int, recipe: Recipe, **options
) -> tuple[nn.Module, Path]:
    """The network with fresh weights, and the file that holds or will hold its trained ones."""
    one_of("on", on, ("train", "retain", "clean"))
    if on == "clean" and task.level != "feature":
        raise ValueError(f"a task of level {task.level!r} has no clean images; only features do")
    refuse_maps(task.data, recipe.augment)
    known = isinstance(name, str)
    model = models.build(name, task, seed=seed, **options) if known else fresh(name, seed)
    called = name if known else name.name
    file = cache_root() / f"{called}-{_key(model, task, getattr(task, on), recipe, seed)}.pt"
    file.parent.mkdir(parents=True, exist_ok=True)
    return model, file


def save(model: nn.Module, history: History, cost: dict, file: Path) -> None:
    """Write a trained model; a reader sees the whole file or none."""
    state = {k: v.cpu() for k, v in model.state_dict().items()}
    with whole(file) as half:
        torch.save({"state": state, "history": asdict(history), "cost": cost}, half)


@functools.cache
def code(package: Path = PACKAGE) -> str:
    """Hash of all code that decides the weights, ``DECIDES``."""
    digest = hashlib.sha256()
    for file in (file for pattern in DECIDES for file in sorted(package.glob(pattern))):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _key(model: nn.Module, task: ForgetTask, split: Split, recipe: Recipe, seed: int) -> str:
    """Hash of all that decides the weights: data, rows, network, recipe, seed, code, libraries."""
    parts = {
        "data": task.data.fingerprint,
        "rows": hashlib.sha256(split.rows.numpy().tobytes()).hexdigest(),
        "labels": hashlib.sha256(split.y.numpy().tobytes()).hexdigest(),
        "pixels": "" if split.pixels is task.data.train_x else split.fingerprint(),
        "normalised": [split.mean.tolist(), split.std.tolist()],
        "model": model.spec,
        "recipe": asdict(recipe),
        "bf16": bf16_is_fast() if recipe.bf16 is None else recipe.bf16,
        "seed": seed,
        "device": device().type,
        "libraries": [torch.__version__, version("torchvision")],
        "code": code(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _load(model: nn.Module, file: Path) -> bool:
    """Load the weights; a damaged file is reported and trained again."""
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
        model.load_state_dict(saved["state"])
    except Exception as error:  # torch.load raises many kinds for a damaged file
        warnings.warn(f"{file} is damaged ({error}); training again", stacklevel=3)
        return False
    model.training_history = History(**saved["history"])
    model.training_cost = saved["cost"]
    model.eval()
    return True

"""Train the shadow models of a plan: as one ensemble, one by one, or on a cluster."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from kit.datasets.split import Split
from kit.runtime import backends
from kit.runtime.checks import known
from kit.runtime.cost import measure
from kit.runtime.progress import progress
from kit.shadows.plan import Plan
from kit.training import Recipe, cache, fit
from kit.training.cache import RETRAIN_SEED
from kit.training.ensemble import fit_ensemble

BACKENDS = ("ensemble", *backends.BACKENDS)
# Small networks without augmentation or smoothing learn their images by heart: attacks must win.
RECIPE = Recipe(
    epochs=30, batch_size=50, lr=0.05, label_smoothing=0.0, weight_decay=0.0, bf16=False
)


def train(
    plan: Plan,
    model: str = "lenet",
    *,
    on: str = "train",
    recipe: Recipe = RECIPE,
    backend: str = "ensemble",
    workers: int | None = None,
    **options,
) -> list[nn.Module]:
    """The trained shadow models, from the cache as far as they are there.

    A run that was killed goes on with the models that exist. The models are those of
    ``kit.trained`` on ``plan.task(i)``, whichever backend made them.

    Parameters
    ----------
    on
        "train": before the request; "retain": retrained without the images to forget, from other
        seeds.
    backend
        "ensemble" trains ``workers`` (default 16) at once on this machine's device, "serial" one
        after the other, "loky" in as many processes as ``workers`` (default: the CPU's cores).
        "dask" and "ray" do the same on a cluster: connect first (``dask.distributed.Client(...)``
        or ``ray.init(...)``).
    options
        of the network.

    Raises
    ------
    ValueError
        an unknown backend, or a cluster that is not connected or not installed.
    """
    known("backend", backend, BACKENDS)
    job = _Job(plan, model, on, recipe, options)
    todo = [shadow for shadow in range(len(plan)) if not job.place(shadow)[1].exists()]
    if backend == "ensemble":
        for shadows in progress(_rounds(todo, workers or 16), "shadows"):
            _train_together(job, shadows)
    elif backend != "serial":
        _train_apart(job, todo, backend, workers)
    return [job.trained(shadow) for shadow in progress(range(len(plan)), "shadows")]


@dataclass(frozen=True)
class _Job:
    """What the shadows of one call have in common."""

    plan: Plan
    model: str
    on: str
    recipe: Recipe
    options: dict

    def seed(self, shadow: int) -> int:
        return self.plan.seed + shadow + (0 if self.on == "train" else RETRAIN_SEED)

    def split(self, shadow: int) -> Split:
        return getattr(self.plan.task(shadow), self.on)

    def place(self, shadow: int) -> tuple[nn.Module, Path]:
        """The untrained network, and the cache's file for the trained one."""
        return cache.place(self.model, self.plan.task(shadow), **self._settings(shadow))

    def trained(self, shadow: int) -> nn.Module:
        return cache.trained(self.model, self.plan.task(shadow), **self._settings(shadow))

    def _settings(self, shadow: int) -> dict:
        return {"on": self.on, "seed": self.seed(shadow), "recipe": self.recipe, **self.options}


def _train_together(job: _Job, shadows: list[int]) -> None:
    placed = [job.place(shadow) for shadow in shadows]
    networks, splits = [network for network, _ in placed], [job.split(s) for s in shadows]
    with measure() as meter:
        histories = fit_ensemble(networks, splits, job.recipe, seeds=[job.seed(s) for s in shadows])
    share = {kind: n // len(shadows) for kind, n in meter.passes.items()}
    for (network, file), history in zip(placed, histories, strict=True):
        cost = {"seconds": meter.seconds / len(shadows), "passes": share}
        cache.save(network, history, cost, file)


def _train_apart(job: _Job, todo: list[int], backend: str, workers: int | None) -> None:
    placed = [job.place(shadow) for shadow in todo]
    jobs = (
        (network, job.split(shadow).alone(), job.recipe, job.seed(shadow))
        for shadow, (network, _) in zip(todo, placed, strict=True)
    )
    results = backends.spread(_train_one, jobs, backend=backend, workers=workers)
    bar = progress(placed, f"shadows on {backend}")
    for (network, file), (state, history, cost) in zip(bar, results, strict=True):
        network.load_state_dict(state)
        cache.save(network, history, cost, file)


def _train_one(network: nn.Module, split: Split, recipe: Recipe, seed: int) -> tuple:
    """In a worker: train, and send back what the cache will hold."""
    with measure() as meter:
        history = fit(network, split, recipe, seed=seed)
    state = {k: v.cpu() for k, v in network.state_dict().items()}
    return state, history, {"seconds": meter.seconds, "passes": dict(meter.passes)}


def _rounds(shadows: list[int], size: int) -> list[list[int]]:
    return [shadows[i : i + size] for i in range(0, len(shadows), size)]

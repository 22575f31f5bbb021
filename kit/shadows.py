"""Shadow models: many networks that differ in which images they saw, the raw material of attacks.

A ``Plan`` says which pool images each shadow model trains on and which of those it then forgets.
``train`` makes the models, ``margins`` what each says about every pool image. Layout after Hayes et
al. (arXiv:2403.01218) and Carlini et al. (S&P 2022): each shadow trains on a random half of the
pool, so that every image is kept, forgotten and never seen in some shadow.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from joblib import Parallel, delayed, parallel_config
from torch import Tensor, nn

from kit import cache
from kit.cost import measure
from kit.datasets import ImageData
from kit.ensemble import fit_ensemble
from kit.metrics.scores import margin
from kit.profiles import RETRAIN_SEED
from kit.progress import progress
from kit.splits import Split
from kit.tasks import ForgetTask, forget_classes, forget_samples
from kit.training import Recipe, fit, predict
from kit.unlearning import unlearn

BACKENDS = ("ensemble", "serial", "loky", "dask", "ray")
# Small networks without augmentation or smoothing learn their images by heart: attacks must win.
RECIPE = Recipe(
    epochs=30, batch_size=50, lr=0.05, label_smoothing=0.0, weight_decay=0.0, bf16=False
)


@dataclass(frozen=True, eq=False)
class Plan:
    """Who trains on what, and forgets what.

    Attributes
    ----------
    pool
        rows of ``data.train_x``, int64 ``[P]``.
    trained, forget
        bool ``[shadows, P]``: the images each shadow trains on, and of those the ones to forget.
    targets
        bool ``[P]``: the images that an attack asks about.
    classes
        of the request, [] if it is for single images.
    seed
        of the first shadow's training; the next ones count up.
    """

    data: ImageData
    pool: Tensor
    trained: Tensor
    forget: Tensor
    targets: Tensor
    classes: list[int]
    seed: int

    def __len__(self):
        return len(self.trained)

    @property
    def unlearned(self) -> Tensor:
        """bool ``[shadows, targets]``: the target was learned, then forgotten."""
        return self.forget[:, self.targets]

    @property
    def never(self) -> Tensor:
        """bool ``[shadows, targets]``: the shadow never saw the target."""
        return ~self.trained[:, self.targets]

    def task(self, shadow: int) -> ForgetTask:
        """The request that this shadow serves."""
        within = self.pool[self.trained[shadow]]
        if self.classes:
            return forget_classes(self.data, self.classes, within=within)
        return forget_samples(self.data, self.pool[self.forget[shadow]], within=within)

    def target_images(self) -> Split:
        """The images that an attack asks about, in the order of ``margins``."""
        return forget_samples(self.data, self.pool[self.targets]).forget


def halves(
    data: ImageData,
    *,
    shadows: int = 16,
    per_class: int = 200,
    classes: Sequence[int] = (),
    targets_per_class: int = 20,
    forget: int = 50,
    seed: int = 0,
) -> Plan:
    """Each shadow trains on a random half of the pool, drawn class by class.

    Parameters
    ----------
    per_class
        size of the pool; half of it is trained on.
    classes
        to forget as a whole; the targets are then all their pool images.
    targets_per_class, forget
        for requests of single images: how many of each class are targets, and how many of the
        targets that a shadow trained on it forgets.

    Raises
    ------
    ValueError
        fewer than four shadows, or a pool, targets or requests larger than what there is.
    """
    if shadows < 4:
        raise ValueError(f"need at least 4 shadows, two in and two out, got {shadows}")
    if not classes and not 0 < forget <= targets_per_class * data.num_classes // 4:
        raise ValueError(
            f"forget must be at most a quarter of the targets, so that every shadow has trained on "
            f"enough of them: got {forget} of {targets_per_class * data.num_classes}"
        )
    generator = torch.Generator().manual_seed(seed)
    pool = draw_pool(data, per_class, generator)
    labels = data.train_y[pool]
    trained = torch.zeros(shadows, len(pool), dtype=torch.bool)
    for row in trained:
        for c in range(data.num_classes):
            members = (labels == c).nonzero().flatten()
            row[members[torch.randperm(per_class, generator=generator)[: per_class // 2]]] = True
    if classes:
        targets = torch.isin(labels, torch.tensor(list(classes)))
        forgotten = trained & targets
    else:
        targets = torch.zeros(len(pool), dtype=torch.bool)
        for c in range(data.num_classes):
            targets[(labels == c).nonzero().flatten()[:targets_per_class]] = True
        forgotten = torch.zeros_like(trained)
        for chosen, row in zip(forgotten, trained & targets, strict=True):
            seen = row.nonzero().flatten()
            chosen[seen[torch.randperm(len(seen), generator=generator)[:forget]]] = True
    return Plan(data, pool, trained, forgotten, targets, list(classes), seed)


def draw_pool(data: ImageData, per_class: int, generator: torch.Generator) -> Tensor:
    """Rows of ``per_class`` random training images of every class, int64, ascending."""
    counts = torch.bincount(data.train_y, minlength=data.num_classes)
    if not 2 <= per_class <= counts.min():
        raise ValueError(f"per_class must be 2..{int(counts.min())}, got {per_class}")
    by_class = [
        rows[torch.randperm(len(rows), generator=generator)[:per_class]]
        for rows in ((data.train_y == c).nonzero().flatten() for c in range(data.num_classes))
    ]
    return torch.cat(by_class).sort().values


def repeats(task: ForgetTask, *, shadows: int, seed: int = 0) -> Plan:
    """Each shadow serves the same request; only the seeds differ.

    For scores that compare the distribution of unlearned models with that of retrained ones: the
    competition's and KLoM.
    """
    pool = task.train.rows
    forget = torch.isin(pool, task.forget.rows)
    return Plan(
        data=task.data,
        pool=pool,
        trained=torch.ones(shadows, len(pool), dtype=torch.bool),
        forget=forget.expand(shadows, -1),
        targets=forget,
        classes=task.forget_classes,
        seed=seed,
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
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    first = plan.seed if on == "train" else plan.seed + RETRAIN_SEED
    recipes = {"on": on, "recipe": recipe, **options}

    def place(shadow: int):
        return cache.place(model, plan.task(shadow), seed=first + shadow, **recipes)

    todo = [shadow for shadow in range(len(plan)) if not place(shadow)[1].exists()]
    if backend == "ensemble":
        size = workers or 16
        for chunk in progress([todo[i : i + size] for i in range(0, len(todo), size)], "shadows"):
            _train_together(plan, place, on, recipe, first, chunk)
    elif backend != "serial":
        for chunk, results in _distributed(plan, place, on, recipe, first, todo, backend, workers):
            for shadow, (state, history, cost) in zip(chunk, results, strict=True):
                network, file = place(shadow)
                network.load_state_dict(state)
                cache.save(network, history, cost, file)
    tasks = progress([plan.task(s) for s in range(len(plan))], "shadows")
    return [cache.trained(model, t, seed=first + s, **recipes) for s, t in enumerate(tasks)]


def margins(
    plan: Plan,
    method: str,
    model: str = "lenet",
    *,
    recipe: Recipe = RECIPE,
    settings: dict | None = None,
    **training,
) -> Tensor:
    """What each shadow says about every target after it served its request.

    Parameters
    ----------
    method
        one of ``kit.methods.names()``; "original" for the models before the request, "retrain" for
        models trained from fresh weights without the images to forget.
    settings
        of the method.
    training
        ``backend``, ``workers`` and the network's options, as in ``train``.

    Returns
    -------
    the logit-scaled confidences of the true labels, float32 ``[shadows, targets]``.
    """
    if method == "retrain" and settings:
        raise ValueError("shadows are retrained by their own recipe; retrain takes no settings")
    asked = plan.target_images()
    on = "retain" if method == "retrain" else "train"
    models = train(plan, model, on=on, recipe=recipe, **training)
    rows = []
    for shadow, network in enumerate(progress(models, f"shadows: {method}")):
        if method not in ("original", "retrain"):
            seed = plan.seed + shadow
            network = unlearn(method, network, plan.task(shadow), seed=seed, **settings or {}).model
        rows.append(margin(predict(network, asked), asked.y))
    return torch.stack(rows)


def _train_together(plan, place, on, recipe, first, shadows) -> None:
    placed = [place(shadow) for shadow in shadows]
    networks = [network for network, _ in placed]
    splits = [getattr(plan.task(shadow), on) for shadow in shadows]
    with measure() as meter:
        histories = fit_ensemble(networks, splits, recipe, seeds=[first + s for s in shadows])
    share = {kind: n // len(shadows) for kind, n in meter.passes.items()}
    for (network, file), history in zip(placed, histories, strict=True):
        cost = {"seconds": meter.seconds / len(shadows), "passes": share}
        cache.save(network, history, cost, file)


def _distributed(plan, place, on, recipe, first, todo, backend, workers) -> Iterator:
    """Rounds of one job a worker: whatever the backend, a killed run has lost one round at most."""
    if backend == "ray":
        _register_ray()
    if backend == "dask":
        _find_dask()
    workers = workers or os.cpu_count()
    rounds = [todo[i : i + workers] for i in range(0, len(todo), workers)]
    with parallel_config(backend=backend, n_jobs=workers), Parallel() as parallel:
        for chunk in progress(rounds, f"shadows on {backend}"):
            splits = [getattr(plan.task(shadow), on).alone() for shadow in chunk]
            jobs = [
                delayed(_train_one)(place(shadow)[0], split, recipe, first + shadow)
                for shadow, split in zip(chunk, splits, strict=True)
            ]
            yield chunk, parallel(jobs)


def _train_one(network: nn.Module, split: Split, recipe: Recipe, seed: int) -> tuple:
    """In a worker: train, and send back what the cache will hold."""
    with measure() as meter:
        history = fit(network, split, recipe, seed=seed)
    state = {k: v.cpu() for k, v in network.state_dict().items()}
    return state, history, {"seconds": meter.seconds, "passes": dict(meter.passes)}


def _register_ray() -> None:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise ValueError(f"{error}; pip install 'did-it-really-forget[scale]'") from error
    if not ray.is_initialized():
        raise ValueError('backend="ray" needs a cluster: call ray.init(...) first')
    register_ray()


def _find_dask() -> None:
    try:
        from dask.distributed import get_client

        get_client()
    except ImportError as error:
        raise ValueError(f"{error}; pip install 'did-it-really-forget[scale]'") from error
    except ValueError as error:
        raise ValueError(
            'backend="dask" needs a cluster: call dask.distributed.Client(...) first'
        ) from error

"""Which pool images each shadow model trains on, and which of those it then forgets.

Layout after Carlini et al. (S&P 2022) and Hayes et al. (arXiv:2403.01218): each shadow trains on a
random half of a pool, so that every image is kept, forgotten and never seen in some shadow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kit.datasets import ImageData
from kit.datasets.split import Split
from kit.tasks import ForgetTask, forget_classes, forget_samples
from kit.training.cache import RETRAIN_SEED


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
        too few or too many shadows, or a pool, targets or requests larger than what there is.
    """
    if not 4 <= shadows <= RETRAIN_SEED:  # beyond that, originals and retrained share seeds
        raise ValueError(f"need 4 to {RETRAIN_SEED} shadows, got {shadows}")
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

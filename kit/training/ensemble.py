"""Many small networks trained as one: the ensemble twin of ``fit``."""

import copy
import time
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from kit.datasets.split import Split, normalise
from kit.runtime.cost import count_passes
from kit.runtime.device import device, mixed_precision, seeded
from kit.runtime.progress import progress
from kit.training.augment import Augment
from kit.training.loop import History, check_model, cut
from kit.training.recipes import Recipe, make_optimizer


def fit_ensemble(
    models: Sequence[nn.Module],
    splits: Sequence[Split],
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    title: str = "training an ensemble",
) -> list[History]:
    """Train ``models[i]`` in place on ``splits[i]`` with ``seeds[i]``, all at once.

    The weights of all networks are stacked and every layer is computed for all of them in one call.
    Each network gets the gradient of its own loss, its own order of images and its own
    augmentation: the result is that of ``fit(models[i], splits[i], recipe, seed=seeds[i])`` for
    each ``i``, up to rounding (dropout draws differ). Worth it where one network is too small to
    keep the machine busy; ``make bench`` measures by how much.

    Returns
    -------
    one history a network; ``seconds`` is the whole time divided by their number.

    Raises
    ------
    ValueError
        splits of different sizes or data sets, or lists of different lengths.
    FloatingPointError
        a loss became infinite or NaN.
    """
    if not len(models) == len(splits) == len(seeds) > 0:
        raise ValueError(
            f"need one split and one seed a model, got {len(models)}, {len(splits)}, {len(seeds)}"
        )
    if len({len(s) for s in splits}) > 1 or len({id(s.pixels) for s in splits}) > 1:
        raise ValueError("an ensemble needs splits of one size, cut from one data set")
    check_model(models[0], splits[0])
    where = device()
    pool = _StackedPool(splits, where)
    weights, buffers = _stack(models, where)
    skeleton = copy.deepcopy(models[0]).to("meta").train()

    def forward(weights: dict, buffers: dict, x: Tensor) -> Tensor:
        return functional_call(skeleton, (weights, buffers), (x,))

    forward_all = vmap(forward, randomness="different")
    steps = recipe.epochs * len(cut(torch.arange(len(splits[0])), recipe.batch_size))
    optimizer, scheduler = make_optimizer(list(weights.values()), recipe, steps)
    shuffles = [torch.Generator().manual_seed(seed) for seed in seeds]
    draws = [torch.Generator(where).manual_seed(seed) for seed in seeds]
    losses, start = [], time.perf_counter()
    with seeded(seeds[0]), progress(range(recipe.epochs), title) as epochs:
        for _ in epochs:
            total = torch.zeros(len(models), device=where)
            for rows in pool.batches(recipe.batch_size, shuffles):
                x, y = pool.gather(rows, recipe.augment, draws)
                with mixed_precision(recipe.bf16):
                    logits = forward_all(weights, buffers, x).float()  # [models, B, classes]
                each = F.cross_entropy(
                    logits.flatten(0, 1), y.flatten(), reduction="none",
                    label_smoothing=recipe.label_smoothing,
                ).view(y.shape)  # fmt: skip
                optimizer.zero_grad(set_to_none=True)
                each.mean(1).sum().backward()  # a sum over networks: no network feels another
                if recipe.clip_value is not None:
                    nn.utils.clip_grad_value_(list(weights.values()), recipe.clip_value)
                optimizer.step()
                scheduler.step()
                total += each.detach().sum(1)
            losses.append(total / len(splits[0]))
            if not torch.isfinite(total).all():
                raise FloatingPointError(
                    f"a loss became infinite or NaN in epoch {len(losses)}; "
                    f"lower the learning rate ({recipe.lr})"
                )
    seconds = (time.perf_counter() - start) / len(models)
    _unstack(weights, buffers, models)
    curves = torch.stack(losses, 1).tolist()
    return [History(loss=curve, steps=steps, seconds=seconds) for curve in curves]


class _StackedPool:
    """The images of all splits on the device, gathered as ``[models, B, C, H, W]``."""

    def __init__(self, splits: Sequence[Split], where: torch.device):
        self.kind = splits[0].kind
        self.rows = torch.stack([s.rows for s in splits]).to(where)  # [models, n]
        self.pixels, self.targets = splits[0].pixels.to(where), splits[0].targets.to(where)
        self.mean, self.std = splits[0].mean.to(where), splits[0].std.to(where)

    def batches(self, batch_size: int, shuffles: list[torch.Generator]) -> list[Tensor]:
        """One epoch of positions within the splits, each ``[models, B]``."""
        n = self.rows.shape[1]
        orders = [cut(torch.randperm(n, generator=g), batch_size) for g in shuffles]
        return [torch.stack(batch) for batch in zip(*orders, strict=True)]

    def gather(
        self, positions: Tensor, augment: Augment, draws: list[torch.Generator]
    ) -> tuple[Tensor, Tensor]:
        rows = self.rows.gather(1, positions.to(self.rows.device))
        count_passes(self.kind, forward=rows.numel(), backward=rows.numel())
        x = normalise(self.pixels[rows.flatten()], self.mean, self.std)
        x = x.view(*rows.shape, *x.shape[1:])
        if augment != Augment():
            known = self.mean, self.std
            x = torch.stack([augment(own, g, *known) for own, g in zip(x, draws, strict=True)])
        return x, self.targets[rows]


def _stack(models: Sequence[nn.Module], where: torch.device) -> tuple[dict, dict]:
    weights, buffers = stack_module_state([m.to(where) for m in models])
    return {k: v.detach().clone().requires_grad_() for k, v in weights.items()}, buffers


@torch.no_grad()
def _unstack(weights: dict, buffers: dict, models: Sequence[nn.Module]) -> None:
    """Hand each network its trained weights, and leave it in eval mode."""
    for number, model in enumerate(models):
        state = {k: v[number].clone() for k, v in (weights | buffers).items()}
        model.load_state_dict(state)
        model.eval()

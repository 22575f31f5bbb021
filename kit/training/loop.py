"""The one training loop ``fit`` and the one inference loop ``predict``; all else calls these."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kit.datasets.split import Split, normalise
from kit.models.base import memory_format
from kit.models.modes import evaluating
from kit.runtime.cost import count_passes, paused
from kit.runtime.device import device, mixed_precision, seeded
from kit.runtime.progress import progress
from kit.training.batching import BATCH, at_once, batches, cut
from kit.training.recipes import Recipe, make_optimizer
from kit.training.resume import Training, key_of
from kit.training.watch import take_look

ROOM = 0.25  # of a GPU's free memory that the images to train on may take

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]  # (model, x [B,C,H,W], y [B]) -> scalar


@dataclass
class History:
    """What ``fit`` saw: one entry per epoch, and the wall-clock seconds of the whole call."""

    loss: list[float] = field(default_factory=list)  # mean over the epoch's samples
    looks: list[dict] = field(default_factory=list)  # of ``watch``, if somebody watched
    steps: int = 0
    seconds: float = 0.0  # without the watching


def cross_entropy(smoothing: float = 0.0) -> Loss:
    """The usual loss: mean cross-entropy of the model's logits, in float32."""

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x).float(), y, label_smoothing=smoothing)

    return loss


def fit(
    model: nn.Module,
    data: Split | Sequence[Split],
    recipe: Recipe | None = None,
    *,
    seed: int = 0,
    loss: Loss | None = None,
    after_step: Callable[[int], bool | None] | None = None,
    eval_mode: bool = False,
    resume: Path | None = None,
    title: str = "training",
) -> History:
    """Train ``model`` in place and leave it in eval mode.

    Parameters
    ----------
    data
        a split, or several that are shuffled together (images and synthetic noise, say).
    recipe
        how to train; by default ``Recipe()``.
    seed
        decides the order of the images, the augmentation and dropout. Same seed, same machine:
        same weights.
    loss
        ``loss(model, x, y)``; by default cross-entropy with the recipe's label smoothing.
    after_step
        called with the number of steps done; training stops when it returns True.
    eval_mode
        train in eval mode: BatchNorm uses its running statistics and keeps them, dropout is off.
    resume
        a file that holds the training after each epoch: interrupted and called again, it goes on
        there and ends with the same weights. Name it by the data, and remove it in the end.

    Raises
    ------
    ValueError
        no images, labels the model has no output for.
    FloatingPointError
        the loss became infinite or NaN.
    """
    recipe = recipe or Recipe()
    pool = _Pool([data] if isinstance(data, Split) else list(data))
    where = device()
    check_model(model, pool.splits[0])
    layout = memory_format(model)
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("nothing can be trained: all parameters are frozen (requires_grad=False)")
    model.to(where, memory_format=layout).train(not eval_mode)
    loss = loss or cross_entropy(recipe.label_smoothing)
    first_epoch = cut(torch.arange(len(pool)), recipe.batch_size)
    per_epoch = len(first_epoch)
    if min(map(len, first_epoch)) == 1:
        _rest_batchnorms(model, pool.splits[0])
    optimizer, scheduler = make_optimizer(parameters, recipe, steps=recipe.epochs * per_epoch)
    shuffle = torch.Generator().manual_seed(seed)
    draw = torch.Generator(where).manual_seed(seed)

    history = History()
    stopped = False
    key = key_of(model, len(pool), recipe, seed, eval_mode)
    training = Training(resume, key, model, optimizer, scheduler, (shuffle, draw), history)
    with seeded(seed), progress(range(recipe.epochs), title, total=None) as epochs:
        done = training.resume()
        pool.count(len(history.loss))
        start = time.perf_counter() - history.seconds
        for epoch in epochs:
            if epoch < done:
                continue
            total = torch.zeros((), device=where)
            seen = 0
            order = torch.randperm(len(pool), generator=shuffle)
            for rows in cut(order, recipe.batch_size):
                x, y = pool.gather(rows)
                x = recipe.augment(x, draw, *pool.statistics[0])
                x = x.contiguous(memory_format=layout)
                with mixed_precision(recipe.bf16):
                    value = loss(model, x, y)
                optimizer.zero_grad(set_to_none=True)
                value.backward()
                if recipe.clip_value is not None:
                    nn.utils.clip_grad_value_(model.parameters(), recipe.clip_value)
                optimizer.step()
                scheduler.step()
                total += value.detach() * len(y)  # stays on the device: no waiting in the loop
                seen += len(y)
                history.steps += 1
                stopped = after_step is not None and bool(after_step(history.steps))
                if stopped:
                    break
            history.loss.append(float(total) / seen)
            epochs.set_postfix(loss=f"{history.loss[-1]:.3f}")
            if not torch.isfinite(total):
                raise FloatingPointError(
                    f"the loss became {history.loss[-1]} in epoch {len(history.loss)}; "
                    f"lower the learning rate ({recipe.lr})"
                )
            with paused() as pause:
                history.looks += take_look(model)
            start += pause.seconds
            history.seconds = time.perf_counter() - start
            training.save(stopped)
            if stopped:
                break
    model.eval()
    return history


def predict(model: nn.Module, split: Split, *, batch_size: int | None = None) -> Tensor:
    """Logits of all images of a split, float32 ``[n, num_classes]`` on the CPU.

    Runs in eval mode and restores the mode afterwards: weights and BatchNorm statistics stay as
    they were.
    """
    return infer(model, model, split, batch_size)


@torch.no_grad()
def infer(
    model: nn.Module,
    forward: Callable[[Tensor], Tensor],
    split: Split,
    batch_size: int | None = None,
) -> Tensor:
    """What ``forward``, the model or a part of it, gives for all images of a split."""
    where = device()
    if batch_size is None:  # larger batches fall out of a CPU's cache: 1000 takes twice as long
        batch_size = at_once(split, BATCH if where.type == "cpu" else 2000)
    layout = memory_format(model)
    with evaluating(model.to(where, memory_format=layout)):
        outputs = [
            forward(x.contiguous(memory_format=layout)).float().cpu()
            for x, _ in batches(split, batch_size)
        ]
    count_passes(split.kind, forward=len(split))
    return torch.cat(outputs)


@torch.no_grad()
def check_model(model: nn.Module, split: Split) -> None:
    """Refuse a model that does not fit the data, before any work is done.

    Raises
    ------
    ValueError
        the model cannot take the images, or its outputs are not the classes.
    """
    where = device()
    x = split.take(torch.tensor([0])).inputs().to(where)
    try:
        with evaluating(model.to(where)):
            outputs = model(x)
    except (RuntimeError, AssertionError) as error:  # torchvision's transformers assert
        shape = tuple(split.pixels.shape[1:])
        raise ValueError(f"the model cannot take images of shape {shape}: {error}") from error
    if not torch.is_tensor(outputs):
        raise ValueError(
            f"the model gives a {type(outputs).__name__} in place of a tensor [B, classes]: "
            f"kit.models.wrap takes the logits out of it"
        )
    if outputs.shape != (1, split.num_classes):
        raise ValueError(
            f"the model gives outputs of shape {tuple(outputs.shape[1:])} but the data have "
            f"{split.num_classes} classes; build it with kit.models.build(name, task)"
        )


@torch.no_grad()
def _rest_batchnorms(model: nn.Module, split: Split) -> None:
    """Where BatchNorm would see one value a channel it keeps its statistics, as in eval mode."""
    x = split.take(torch.tensor([0])).inputs().to(device())
    try:
        copy.deepcopy(model)(x)
    except ValueError:  # "Expected more than 1 value per channel when training"
        for part in model.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()


class _Pool:
    """Splits behind one index range: rows 0..n-1 run through them in order."""

    def __init__(self, splits: list[Split]):
        where = device()
        if not all(map(len, splits)):
            raise ValueError("there are no images to train on: a split is empty")
        for split in splits:
            if split.pixels.is_floating_point() and not torch.isfinite(split.x).all():
                raise ValueError(f"the {split.kind} images contain NaN or infinite values")
        self.splits = splits
        self.images = [_at_hand(s) for s in splits]
        self.labels = torch.cat([s.y for s in splits]).to(where)
        self.statistics = [(s.mean.to(where), s.std.to(where)) for s in splits]
        self.ends = torch.tensor([len(s) for s in splits]).cumsum(0).tolist()

    def __len__(self):
        return self.ends[-1]

    def count(self, epochs: int) -> None:
        """Tell the open meters of epochs that were done earlier."""
        for split in self.splits:
            passes = epochs * len(split)
            count_passes(split.kind, forward=passes, backward=passes)

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs ``[B, C, H, W]`` and labels ``[B]`` of these rows, grouped by split."""
        start, parts, order = 0, [], []
        for split, images, (mean, std), end in zip(
            self.splits, self.images, self.statistics, self.ends, strict=True
        ):
            mine = rows[(rows >= start) & (rows < end)] if len(self.splits) > 1 else rows
            if len(mine):
                count_passes(split.kind, forward=len(mine), backward=len(mine))
                parts.append(normalise(images(mine - start), mean, std))
                order.append(mine)
            start = end
        return torch.cat(parts), self.labels[torch.cat(order).to(self.labels.device)]


def _at_hand(split: Split) -> Callable[[Tensor], Tensor]:
    """The images at some positions of a split, on the device: from there where they have room, else
    from where they lie, which may be a file that is larger than the memory."""
    where = device()
    size = len(split) * split.pixels[0].nbytes
    if where.type == "cuda" and size < ROOM * torch.cuda.mem_get_info(where)[0]:
        images = torch.empty(
            (len(split), *split.pixels.shape[1:]), dtype=split.pixels.dtype, device=where
        )
        for rows in torch.arange(len(split)).split(BATCH):  # the host holds a few at a time
            images[rows] = split.pixels[split.rows[rows]].to(where)
        return lambda positions: images[positions.to(where)]
    return lambda positions: split.pixels[split.rows[positions]].to(where)

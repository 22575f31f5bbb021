"""Photographs at real size: images per second and memory, beside torchvision's usual pipeline.

    python bench/photographs.py --pictures 20000

Makes JPEG pictures in a temporary folder and measures each row in a process of its own. ``kit``
reads them once with ``from_folder`` into a file of pixels and gathers shuffled batches from it.
``torchvision`` reads them every epoch: ImageFolder, a DataLoader with 2 workers, Resize,
CenterCrop, RandomHorizontalFlip, ToTensor, Normalize. Both networks train alike, SGD with Nesterov
momentum, ``kit.fit`` in the precision it chooses itself. Epoch 1 of the kit has the decoding of its
pictures in it, at the rate that is printed. Files that were just written are read from memory.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from jpegs import make_jpegs
from memory import run_measured
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms
from torchvision.models import resnet18

import kit
from kit.datasets.split import normalise
from kit.models.resnet import ResNet
from kit.runtime.device import bf16_is_fast, device, device_name
from kit.training.augment import Augment, random_flip

SIZE, LR, WORKERS = 224, 0.02, 2
MEAN = STD = (0.5, 0.5, 0.5)
LABELS = {
    "nothing": "import kit, nothing else",
    "kit_alone": "kit, loader alone",
    "torchvision_alone": "torchvision, loader alone",
    "kit_small": "kit.fit, resnet8",
    "torchvision_small": "torchvision, resnet8",
    "kit_resnet18": "kit.fit, resnet18",
    "torchvision_resnet18": "torchvision, resnet18",
    "forget_finetune": "kit.unlearn finetune",
    "forget_ssd": "kit.unlearn ssd",
    "audit": "kit.evaluate fast",
}


def read(told: argparse.Namespace) -> kit.datasets.ImageData:
    return kit.datasets.from_folder(told.folder, SIZE, test_share=0.1, in_memory=False)


def nothing(told: argparse.Namespace) -> dict:
    return {}


def kit_alone(told: argparse.Namespace) -> dict:
    start = time.perf_counter()
    data = read(told)
    mean, std = data.statistics  # from a pass over the pixels
    decoding = (len(data.train_y) + len(data.test_y)) / (time.perf_counter() - start)
    where = device()
    draw = torch.Generator(where).manual_seed(0)
    shuffle = torch.Generator().manual_seed(0)
    mean, std = mean.to(where), std.to(where)

    def epoch() -> Iterator[int]:
        for rows in _some(len(data.train_y), told.limit, shuffle).split(told.batch):
            random_flip(normalise(data.train_x[rows].to(where), mean, std), draw)
            yield len(rows)

    return {"decoding": decoding} | _rates(epoch, epoch)


def torchvision_alone(told: argparse.Namespace) -> dict:
    def epoch() -> Iterator[int]:
        for x, y in _loader(told, told.limit):
            x.to(device())
            yield len(y)

    return _rates(epoch, epoch)


def kit_small(told: argparse.Namespace) -> dict:
    return _fitted(told, told.train_limit, lambda task: kit.models.build("resnet8", task, seed=0))


def kit_resnet18(told: argparse.Namespace) -> dict:
    return _fitted(
        told, told.resnet18_limit,
        lambda task: kit.models.wrap(lambda: resnet18(num_classes=task.num_classes), task),
    )  # fmt: skip


def torchvision_small(told: argparse.Namespace) -> dict:
    return _trained(told, told.train_limit, lambda classes: ResNet(8, 3, classes))


def torchvision_resnet18(told: argparse.Namespace) -> dict:
    return _trained(told, told.resnet18_limit, lambda classes: resnet18(num_classes=classes))


def forget_finetune(told: argparse.Namespace) -> dict:
    return _forgotten(told, "finetune", epochs=1, batch_size=told.batch)


def forget_ssd(told: argparse.Namespace) -> dict:
    return _forgotten(told, "ssd")


def audit(told: argparse.Namespace) -> dict:
    task = _task(told, told.train_limit)
    model = kit.models.build("resnet8", task, seed=0)

    def epoch() -> Iterator[int]:
        kit.evaluate(model, task, original=model, audits="fast")
        yield len(task.train) + len(task.test)

    return _rates(epoch)


def _task(told: argparse.Namespace, limit: int) -> kit.tasks.ForgetTask:
    """Forgets a class, of a network that was trained on some pictures only."""
    data = read(told)
    rows = _some(len(data.train_y), limit, torch.Generator().manual_seed(0))
    return kit.tasks.forget_classes(data, [0], within=rows)


def _fitted(told: argparse.Namespace, limit: int, build: Callable) -> dict:
    task = _task(told, limit)
    model = build(task)
    recipe = kit.Recipe(
        epochs=1, batch_size=told.batch, lr=LR, schedule="constant", augment=Augment(flip=True)
    )

    def epoch() -> Iterator[int]:
        kit.fit(model, task.train, recipe)
        yield len(task.train)

    return _rates(epoch, epoch)


def _trained(told: argparse.Namespace, limit: int, build: Callable[[int], nn.Module]) -> dict:
    loader = _loader(told, limit)
    where = device()
    model = build(len(loader.dataset.dataset.classes)).to(where).train()
    sgd = torch.optim.SGD(model.parameters(), LR, 0.9, weight_decay=5e-4, nesterov=True)

    def epoch() -> Iterator[int]:
        for x, y in loader:
            loss = F.cross_entropy(model(x.to(where)), y.to(where), label_smoothing=0.1)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            yield len(y)

    return _rates(epoch, epoch)


def _forgotten(told: argparse.Namespace, name: str, **options) -> dict:
    task = _task(told, told.train_limit)
    model = kit.models.build("resnet8", task, seed=0)

    def epoch() -> Iterator[int]:
        kit.unlearn(name, model, task, **options)
        yield len(task.train)

    return _rates(epoch)


def _loader(told: argparse.Namespace, limit: int) -> DataLoader:
    steps = [
        transforms.Resize(SIZE), transforms.CenterCrop(SIZE), transforms.RandomHorizontalFlip(),
        transforms.ToTensor(), transforms.Normalize(MEAN, STD),
    ]  # fmt: skip
    pictures = datasets.ImageFolder(told.folder, transforms.Compose(steps))
    rows = _some(len(pictures), limit, torch.Generator().manual_seed(0))
    return DataLoader(
        Subset(pictures, rows.tolist()), told.batch, shuffle=True, num_workers=WORKERS
    )


def _some(count: int, limit: int, generator: torch.Generator) -> Tensor:
    """Positions in a random order, at most ``limit`` of them; 0 for all."""
    return torch.randperm(count, generator=generator)[: limit or count]


def _rates(*epochs: Callable[[], Iterable[int]]) -> dict:
    """Images of each epoch, and images per second."""
    counts, rates = [], []
    for epoch in epochs:
        start = time.perf_counter()
        counts.append(sum(epoch()))
        if device().type == "cuda":
            torch.cuda.synchronize()
        rates.append(counts[-1] / (time.perf_counter() - start))
    return {"images": counts[0], "rates": rates}


def measured(told: argparse.Namespace) -> dict[str, dict]:
    """What each row, in a process of its own, says of itself, with its peak."""
    found = {}
    for name in told.only:
        arguments = [__file__, "--row", name, "--folder", told.folder]
        for limit in ("limit", "train_limit", "resnet18_limit", "batch"):
            arguments += [f"--{limit.replace('_', '-')}", str(getattr(told, limit))]
        printed, peak = run_measured(arguments)
        found[name] = {"peak": peak} | json.loads(printed.splitlines()[-1])
        if name in ("kit_alone", "kit_small", "kit_resnet18"):
            decoding = found["kit_alone"]["decoding"]
            first = found[name]["rates"][0]
            found[name]["rates"][0] = 1 / (1 / first + 1 / decoding)
        print_row(name, found[name])
    return found


def print_row(name: str, row: dict) -> None:
    rates = row.get("rates", [])
    cells = [f"{rate:10.1f}" for rate in rates] + [" " * 10] * (2 - len(rates))
    print(f"{LABELS[name]:26} {row.get('images', ''):>9} {' '.join(cells)} {row['peak']:9.2f}",
          flush=True)  # fmt: skip


def print_ratios(found: dict[str, dict]) -> None:
    print(f"decoding into the file: {found['kit_alone']['decoding']:.0f} images/s")
    for kind in ("alone", "small", "resnet18"):
        if f"kit_{kind}" not in found or f"torchvision_{kind}" not in found:
            continue
        ours, theirs = (found[f"{side}_{kind}"]["rates"] for side in ("kit", "torchvision"))
        first, second = (a / b for a, b in zip(ours, theirs, strict=True))
        label = LABELS[f"kit_{kind}"].partition(", ")[2]
        print(f"kit / torchvision, {label}: epoch 1 {first:.2f}, epoch 2 {second:.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=20_000)
    add = parser.add_argument
    add("--limit", type=int, default=0, help="pictures per epoch of the loaders alone; 0: all")
    add("--train-limit", type=int, default=512, help="pictures for resnet8 to train on; 0: all")
    add("--resnet18-limit", type=int, default=200, help="pictures for resnet18; 0: all")
    add("--batch", type=int, default=32, help="64 takes resnet8 beyond 2 GiB in float32")
    add("--without", nargs="*", default=[], choices=LABELS, help="rows to leave out")
    add("--folder", help=argparse.SUPPRESS)
    add("--row", choices=LABELS, help=argparse.SUPPRESS)
    told = parser.parse_args()
    told.only = [name for name in LABELS if name not in told.without or name == "kit_alone"]
    return told


def main(told: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as root:
        told.folder = f"{root}/pictures"
        os.environ |= {"KIT_CACHE": f"{root}/cache", "KIT_PROGRESS": "0"}
        start = time.perf_counter()
        make_jpegs(Path(told.folder), told.pictures)
        size = sum(file.stat().st_size for file in Path(told.folder).rglob("*.jpg"))
        print(f"{told.pictures} pictures of {size / told.pictures / 1000:.1f} kB, made in "
              f"{time.perf_counter() - start:.0f} s; batches of {told.batch}; {device_name()}; "
              f"kit.fit in {'bfloat16' if bf16_is_fast() else 'float32'}")  # fmt: skip
        print(f"{'':26} {'per epoch':>9} {'epoch 1':>10} {'epoch 2':>10} {'peak':>9}")
        print(f"{'':26} {'images':>9} {'images/s':>10} {'images/s':>10} {'GiB':>9}", flush=True)
        print_ratios(measured(told))


if __name__ == "__main__":
    told = arguments()
    if told.row:
        print(json.dumps(globals()[told.row](told)))
    else:
        main(told)

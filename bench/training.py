"""Images per second of ``kit.fit``, of a bare hand-written loop, and of a DataLoader loop.

    make bench

The first two do the same work on the same tensors with the same precision: normalise, crop, flip,
forward, backward, SGD. The third is how the loop is commonly written: a Dataset of PIL images,
transforms per image, a DataLoader, float32. The three take turns, so that a machine whose speed
drifts is fair to all; medians are compared.
"""

import statistics
import time

import torch
import torch.nn.functional as F
from pictures import Pictures
from torch.utils.data import DataLoader
from torchvision import transforms

import kit
from kit.datasets.split import normalise
from kit.runtime.device import device, device_name, mixed_precision
from kit.training.augment import random_crop, random_flip

ROUNDS, EPOCHS, BATCH = 5, 1, 128


def run_fit(model, task, recipe):
    kit.fit(model, task.train, recipe)


def run_bare(model, task, recipe):
    where = device()
    model.to(where, memory_format=torch.channels_last).train()
    images, labels = task.train.x.to(where), task.train.y.to(where)
    mean, std = task.train.mean.to(where), task.train.std.to(where)
    sgd = torch.optim.SGD(model.parameters(), recipe.lr, 0.9, weight_decay=5e-4, nesterov=True)
    generator = torch.Generator(where).manual_seed(0)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(labels)).to(where).split(BATCH):
            x = normalise(images[rows], mean, std)
            x = random_flip(random_crop(x, 1, generator), generator)
            x = x.contiguous(memory_format=torch.channels_last)
            with mixed_precision():
                logits = model(x)
            loss = F.cross_entropy(logits.float(), labels[rows], label_smoothing=0.1)
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()


def run_dataloader(model, task, recipe):
    where = device()
    model.to(where).train()
    sgd = torch.optim.SGD(model.parameters(), recipe.lr, 0.9, weight_decay=5e-4, nesterov=True)
    augment = [
        transforms.RandomCrop(task.image_size, padding=1, padding_mode="reflect"),
        transforms.RandomHorizontalFlip(),
    ]
    pictures = Pictures(task.train, augment=augment)
    loader = DataLoader(pictures, BATCH, shuffle=True, num_workers=2)
    for _ in range(EPOCHS):
        for x, y in loader:
            loss = F.cross_entropy(model(x.to(where)), y.to(where), label_smoothing=0.1)
            sgd.zero_grad()
            loss.backward()
            sgd.step()


def main() -> None:
    profile = kit.profile("quick")
    task = kit.tasks.forget_classes(kit.datasets.load(profile.dataset), [3])
    recipe = kit.Recipe(epochs=EPOCHS, batch_size=BATCH, lr=0.01, augment=profile.recipe.augment)
    loops = {"kit.fit": run_fit, "bare loop": run_bare, "DataLoader loop": run_dataloader}
    rates = {name: [] for name in loops}
    for number in range(ROUNDS + 1):  # the first round warms up
        for name, loop in loops.items():
            model = kit.models.build(profile.model, task)
            start = time.perf_counter()
            loop(model, task, recipe)
            if device().type == "cuda":
                torch.cuda.synchronize()
            if number:
                rates[name].append(EPOCHS * len(task.train) / (time.perf_counter() - start))
    print(f"{profile.model}, {task.data.name}, {device_name()}, {ROUNDS} rounds")
    for name, values in rates.items():
        print(f"{name:16} {statistics.median(values):8.0f} images/s  "
              f"({min(values):.0f} to {max(values):.0f})")  # fmt: skip
    for name in ("bare loop", "DataLoader loop"):
        ratio = statistics.median(a / b for a, b in zip(rates["kit.fit"], rates[name], strict=True))
        print(f"kit.fit / {name}: {ratio:.2f}")


if __name__ == "__main__":
    main()

"""Seconds and accuracies of methods: ours, as peers write them, and those of a peer's package.

    python bench/methods.py [a Python that has supreme-unlearning]

As peers write them: a Dataset of single images, transforms per image, a DataLoader, float32, and an
evaluation after every epoch. Same network, data, epochs, learning rate and batch size; the two take
turns, medians are compared. Evaluation counts on the peers' side because it is inside their loops.
"""

import copy
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from pictures import Pictures
from torch.utils.data import ConcatDataset, DataLoader

import kit
from kit.runtime.device import mixed_precision

ROUNDS, EPOCHS, LR, BATCH = 3, 2, 0.02, 128


def loader(data):
    return DataLoader(data, batch_size=BATCH, shuffle=True)


@torch.no_grad()
def test(model, data):
    model.eval()
    right = sum(int((model(x).argmax(1) == y).sum()) for x, y in loader(data))
    return right / len(data)


def peers(model, task, loss_of_batches):
    """Epochs of SGD over batches, each followed by an evaluation."""
    sgd = torch.optim.SGD(model.parameters(), LR, momentum=0.9, weight_decay=5e-4, nesterov=True)
    evaluated = Pictures(task.test_retain), Pictures(task.test_forget)
    for _ in range(EPOCHS):
        model.train()
        for loss in loss_of_batches():
            sgd.zero_grad()
            loss.backward()
            sgd.step()
        for data in evaluated:
            test(model, data)


def peers_finetune(model, task):
    retain = Pictures(task.retain)
    peers(model, task, lambda: (F.cross_entropy(model(x), y) for x, y in loader(retain)))


def peers_neg_grad(model, task):
    retain, forget = Pictures(task.retain), Pictures(task.forget)

    def losses():
        pairs = zip(loader(retain), itertools.cycle(loader(forget)), strict=False)
        for (x, y), (forget_x, forget_y) in pairs:
            ascent = F.cross_entropy(model(forget_x), forget_y).clamp_max(2.3)
            yield 0.99 * F.cross_entropy(model(x), y) - 0.01 * ascent

    peers(model, task, losses)


def peers_random_labels(model, task):
    shift = torch.randint(1, task.num_classes, (len(task.forget),))
    wrong = Pictures(task.forget, (task.forget.y + shift) % task.num_classes)
    both = ConcatDataset([Pictures(task.retain), wrong])
    peers(model, task, lambda: (F.cross_entropy(model(x), y) for x, y in loader(both)))


OURS = {
    "finetune": {},
    "neg_grad": {},
    "random_labels": {"optimizer": "sgd", "redraw": False},
}
SUPREME = {  # the settings that stand in the package's source
    "finetune": {"epochs": 5, "lr": 0.02},
    "random_labels": {"epochs": 3, "lr": 1e-4, "redraw": False},
    "bad_teacher": {"epochs": 1, "lr": 1e-4},
    "ssd": {"alpha": 10.0, "dampening": 1.0, "importance": "batch", "batch_size": 128},
}


def request():
    """The quick profile and its request: forget class 3."""
    profile = kit.profile("quick")
    return profile, kit.tasks.forget_classes(kit.datasets.load(profile.dataset), [3])


def network_alone(model, task):
    """Seconds of the passes and steps of ``EPOCHS`` over the retained images on one batch that is
    there already: no method can be faster with this network."""
    model = copy.deepcopy(model).train().to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(model.parameters(), LR, momentum=0.9, weight_decay=5e-4, nesterov=True)
    x = task.retain.inputs()[:BATCH].to(memory_format=torch.channels_last)
    y = task.retain.y[:BATCH]
    start = time.perf_counter()
    for _ in range(EPOCHS * len(task.retain) // BATCH):
        sgd.zero_grad()
        with mixed_precision():
            logits = model(x)
        F.cross_entropy(logits.float(), y).backward()
        sgd.step()
    return time.perf_counter() - start


def show(name, seconds, models, task):
    print(f"{name}: {seconds['peers'] / seconds['ours']:.1f} x as fast")
    for who, model in models.items():
        row = kit.evaluate(model, task)
        print(f"  {who:5} {seconds[who]:6.1f} s, retained {row['retain_accuracy']:.1%}, "
              f"forgotten {row['forget_accuracy']:.1%}")  # fmt: skip


def as_peers_write_them(original, task):
    print("As peers write them")
    for name, options in OURS.items():
        seconds, models = {"ours": [], "peers": []}, {}
        for _ in range(ROUNDS):
            settings = {"epochs": EPOCHS, "lr": LR, "batch_size": BATCH} | options
            out = kit.unlearn(name, original, task, **settings)
            seconds["ours"].append(out.seconds)
            theirs = copy.deepcopy(original)
            start = time.perf_counter()
            globals()[f"peers_{name}"](theirs, task)
            seconds["peers"].append(time.perf_counter() - start)
            models = {"ours": out.model, "peers": theirs}
        medians = {who: statistics.median(values) for who, values in seconds.items()}
        show(name, medians, models, task)
    alone = statistics.median(network_alone(original, task) for _ in range(ROUNDS))
    print(f"the network alone, {EPOCHS} epochs of retained images: {alone:.1f} s")


def beside_supreme(original, task, profile, python):
    print("Beside supreme-unlearning, at its settings, one run of each")
    with tempfile.TemporaryDirectory() as folder:
        weights, results = Path(folder) / "original.pt", Path(folder) / "results.pt"
        torch.save(original.state_dict(), weights)
        here = Path(__file__).parent
        subprocess.run(
            [python, str(here / "supreme_methods.py"), str(weights), str(results)], check=True,
            env=os.environ | {"PYTHONPATH": str(here.parent), "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        found = torch.load(results, weights_only=True)
    for name, settings in SUPREME.items():
        out = kit.unlearn(name, original, task, **settings)
        theirs = kit.models.build(profile.model, task)
        theirs.load_state_dict(found[name]["weights"])
        seconds = {"ours": out.seconds, "peers": found[name]["seconds"]}
        show(name, seconds, {"ours": out.model, "peers": theirs}, task)


def main():
    profile, task = request()
    original = kit.trained(profile.model, task, recipe=profile.recipe)
    as_peers_write_them(original, task)
    if len(sys.argv) > 1:
        beside_supreme(original, task, profile, sys.argv[1])


if __name__ == "__main__":
    main()

"""Seconds of three methods, ours and written as peers write them, at equal accuracy.

    make bench

As peers write them: a Dataset of single images, transforms per image, a DataLoader, float32, and an
evaluation after every epoch. Same network, data, epochs, learning rate and batch size; the two take
turns, medians are compared. Evaluation counts on the peers' side because it is inside their loops.
"""

import copy
import itertools
import statistics
import time

import torch
import torch.nn.functional as F
from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torchvision import transforms

import kit

ROUNDS, EPOCHS, LR, BATCH = 3, 2, 0.02, 128


class Pictures(Dataset):
    def __init__(self, split, labels=None):
        self.images, self.labels = split.x, split.y if labels is None else labels
        normalise = transforms.Normalize(split.mean.tolist(), split.std.tolist())
        self.transform = transforms.Compose(
            [transforms.ToPILImage(), transforms.ToTensor(), normalise]
        )

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(self.images[i]), int(self.labels[i])


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


def main():
    profile = kit.profile("quick")
    task = kit.tasks.forget_classes(kit.datasets.load(profile.dataset), [3])
    original = kit.trained(profile.model, task, recipe=profile.recipe)
    for name, options in OURS.items():
        seconds, rows = {"ours": [], "peers": []}, {}
        for _ in range(ROUNDS):
            settings = {"epochs": EPOCHS, "lr": LR, "batch_size": BATCH} | options
            out = kit.unlearn(name, original, task, **settings)
            seconds["ours"].append(out.seconds)
            theirs = copy.deepcopy(original)
            start = time.perf_counter()
            globals()[f"peers_{name}"](theirs, task)
            seconds["peers"].append(time.perf_counter() - start)
            rows = {"ours": kit.evaluate(out.model, task), "peers": kit.evaluate(theirs, task)}
        median = {who: statistics.median(values) for who, values in seconds.items()}
        print(f"{name}: {median['peers'] / median['ours']:.1f} x as fast")
        for who, row in rows.items():
            print(f"  {who:5} {median[who]:6.1f} s, retained {row['retain_accuracy']:.1%}, "
                  f"forgotten {row['forget_accuracy']:.1%}")  # fmt: skip


if __name__ == "__main__":
    main()

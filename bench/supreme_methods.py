"""Methods of the package supreme-unlearning, run in an environment of its own by bench/methods.py.

    python bench/supreme_methods.py original.pt results.pt

Its methods take data loaders and a Fabric; rates and epochs are fixed in its source.
"""

import copy
import sys
import time

import torch
from lightning.fabric import Fabric
from methods import Pictures, request
from supreme.methods.unlearning_methods.bad_teacher import bad_teacher
from supreme.methods.unlearning_methods.finetune import finetune
from supreme.methods.unlearning_methods.random_labeling import random_labeling
from supreme.methods.unlearning_methods.ssd import ssd
from supreme.utils.generic_utils import create_dataloader

import kit

METHODS = {"finetune": finetune, "random_labels": random_labeling, "bad_teacher": bad_teacher,
           "ssd": ssd}  # fmt: skip


class Triples(Pictures):
    """Image, label and coarse label, as the package has it."""

    def __getitem__(self, i):
        image, label = super().__getitem__(i)
        return image, label, label


def main(original: str, results: str) -> None:
    profile, task = request()
    [forgotten] = task.forget_classes
    model = kit.models.build(profile.model, task, seed=0)
    model.load_state_dict(torch.load(original, weights_only=True))
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.print = lambda *lines: None
    loaders = {
        f"{name}_dataloader": create_dataloader(Triples(split), 128, train, num_workers=0)
        for name, split, train in (
            ("retain_train", task.retain, True),
            ("retain_test", task.test_retain, False),
            ("forget_train", task.forget, True),
            ("full_train", task.train, True),
        )
    }
    found = {}
    for name, method in METHODS.items():
        start = time.perf_counter()
        out = method(
            fabric=fabric, num_gpus=0, wandb_logging_flag=False, model=copy.deepcopy(model),
            num_labels=task.num_classes, type_of_unlearning_strategy="fullclass",
            forget_label_id=forgotten, dampening_constant=1.0, selection_weighting=10.0,
            unlearning_teacher=kit.models.build(profile.model, task, seed=1), **loaders,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        weights = getattr(out, "module", out).state_dict()
        found[name] = {"seconds": seconds, "weights": weights}
    torch.save(found, results)


if __name__ == "__main__":
    main(*sys.argv[1:])

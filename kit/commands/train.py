"""``kit train``: a network trained on a folder of pictures, or retrained without some of them."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kit.commands.options import add_folder, add_model
from kit.runtime.checks import at_least

if TYPE_CHECKING:
    from kit.datasets import ImageData
    from kit.datasets.split import Split
    from kit.models import Origin
    from kit.models.own import Own
    from kit.tasks import ForgetTask

EPILOG = """examples:
  kit train pets --model torchvision:resnet18 --out net.safetensors
  kit train pets --model torchvision:resnet18 --without cat --out retrained.safetensors
  kit train pets --model resnet8 --without request.csv --seed 1 --out retrained1.safetensors
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Tell the parser of this command."""
    command = commands.add_parser(
        "train",
        help="train a network on a folder of pictures, or without some of them",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_folder(command)
    add_model(command, required=True)
    command.add_argument(
        "--out", type=Path, required=True, help="weights file to write: .safetensors, .pt or .pth"
    )
    command.add_argument(
        "--without",
        nargs="+",
        metavar="NAME",
        help="retrain without these classes, or the pictures of request.csv",
    )
    command.add_argument("--column", help="of the table, the one that holds the files")
    command.add_argument("--epochs", type=int, default=40)
    command.add_argument("--batch-size", type=int, default=32)
    command.add_argument("--optimizer", choices=("adam", "sgd"), default="adam")
    command.add_argument("--lr", type=float, default=0.003, help="peak learning rate")
    command.set_defaults(command=run)


def run(args: argparse.Namespace) -> None:
    """Train, and write the weights with what they were trained on."""
    from kit.commands.opening import open_folder
    from kit.metrics import accuracy
    from kit.models import save_weights
    from kit.models.weights import check_suffix
    from kit.training import predict

    check_suffix(args.out)
    at_least(1, epochs=args.epochs)
    data = open_folder(args)
    task = _task(args, data)
    model = _trained(args, task)
    seen, judged = (task.retain, task.test_retain) if args.without else (task.train, task.test)
    save_weights(model.net, args.out, _origin(args, task, seen, model.training_cost))
    outcome = {
        "out": str(args.out),
        "model": args.model,
        "classes": data.classes,
        "trained_on": len(seen),
        "test_images": len(judged),
        "test_accuracy": accuracy(predict(model, judged), judged.y),
        "seconds": model.training_cost["seconds"],
    }
    if args.json:
        print(json.dumps(outcome))
        return
    without = f" without {', '.join(args.without)}" if args.without else ""
    print(
        f"{args.model} trained on {len(seen)} pictures{without} in {outcome['seconds']:.0f} s; "
        f"right on {outcome['test_accuracy']:.0%} of {len(judged)} test pictures\n"
        f"written to {args.out}"
    )


def _task(args: argparse.Namespace, data: "ImageData") -> "ForgetTask":
    """What is to be left out; without it any request, for all of its pictures are trained on."""
    import torch

    from kit.commands.opening import open_request
    from kit.tasks import forget_classes
    from kit.tasks.files import TABLES
    from kit.tasks.gone import Gone
    from kit.tasks.task import request_classes

    if not args.without:
        return forget_classes(data, [0])
    tables = [name for name in args.without if Path(name).suffix.lower() in TABLES]
    args.classes = [name for name in args.without if name not in tables]
    args.files = tables
    if not args.classes:
        return open_request(args, data, None)
    task = request_classes(data, args.classes, Gone(), torch.ones(len(data.train_y)).bool())
    for table in tables:
        task = task.then(files=table, column=args.column)
    return task


def _trained(args: argparse.Namespace, task: "ForgetTask") -> "Own":
    """From the cache, or as far as an interrupted training came, or anew."""
    from kit.models import maker, wrap
    from kit.training import Recipe
    from kit.training.augment import Augment
    from kit.training.cache import retrained, trained

    recipe = Recipe(
        epochs=args.epochs,
        batch_size=args.batch_size,
        optimizer=args.optimizer,
        lr=args.lr,
        weight_decay=0.0 if args.optimizer == "adam" else 5e-4,
        augment=Augment(crop=task.image_size // 8, flip=True),
    )
    network = wrap(maker(args.model, task), task, seed=args.seed)
    train = retrained if args.without else trained
    return train(network, task, seed=args.seed, recipe=recipe)


def _origin(args: argparse.Namespace, task: "ForgetTask", seen: "Split", cost: dict) -> "Origin":
    """What the weights file says of its network."""
    from kit.commands.opening import picture_keys, reading
    from kit.models import Origin

    keys = picture_keys(task.data, args.folder)
    mean, std = (values.tolist() for values in task.data.statistics)
    return Origin(
        args.model,
        task.data.classes,
        mean=mean,
        std=std,
        trained=[keys[row] for row in seen.rows.tolist()],
        requests=_requests(args, task),
        made={"command": "train", "seed": args.seed, **cost},
        **reading(args),
    )


def _requests(args: argparse.Namespace, task: "ForgetTask") -> list[dict]:
    """What the network was trained without, as a weights file keeps it."""
    from kit.commands.opening import said

    if not args.without:
        return []
    classes = [{"classes": args.classes}] if args.classes else []
    return classes + ([said(task, args.folder)] if task.level == "sample" else [])

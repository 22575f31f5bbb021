"""``kit train``: a network trained on a folder of pictures, or retrained without some of them."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kit.commands.options import add_command, add_out
from kit.runtime.checks import at_least

if TYPE_CHECKING:
    from kit.datasets import ImageData
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
    told = "train a network on a folder of pictures, or without some of them"
    command = add_command(commands, "train", told, EPILOG, model=True)
    add_out(command)
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
    from kit.commands.opening import open_folder, picture_keys
    from kit.metrics import accuracy
    from kit.models import save_weights
    from kit.models.weights import check_suffix
    from kit.training import predict

    check_suffix(args.out)
    at_least(1, epochs=args.epochs)
    data = open_folder(args)
    keys = picture_keys(data, args.folder)
    task, requests = _task(args, data, keys)
    model = _trained(args, task)
    seen, judged = (task.retain, task.test_retain) if args.without else (task.train, task.test)
    trained = [keys[row] for row in seen.rows.tolist()]
    save_weights(model.net, args.out, _origin(args, task, trained, requests, model.training_cost))
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


def _task(
    args: argparse.Namespace, data: "ImageData", keys: list[str]
) -> tuple["ForgetTask", list[dict]]:
    """What is to be left out, and each request of it as a weights file keeps it; with nothing to
    leave out any request, for all of its pictures are trained on."""
    from kit.commands.opening import said
    from kit.tasks import forget_classes, forget_files
    from kit.tasks.files import TABLES

    if not args.without:
        return forget_classes(data, [0]), []
    tables = [name for name in args.without if Path(name).suffix.lower() in TABLES]
    classes = [name for name in args.without if name not in tables]
    if classes:
        task = forget_classes(data, classes)
    else:
        task = forget_files(data, tables.pop(0), column=args.column)
    requests = [said(task, keys)]
    for table in tables:
        task = task.then(files=table, column=args.column)
        requests.append(said(task, keys))
    return task, requests


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


def _origin(
    args: argparse.Namespace, task: "ForgetTask", trained: list[str], requests: list[dict],
    cost: dict,
) -> "Origin":  # fmt: skip
    """What the weights file says of its network."""
    from kit.commands.opening import reading
    from kit.models import Origin

    mean, std = (values.tolist() for values in task.data.statistics)
    return Origin(
        args.model,
        task.data.classes,
        mean=mean,
        std=std,
        trained=trained,
        requests=requests,
        made={"command": "train", "seed": args.seed, **cost},
        **reading(args),
    )

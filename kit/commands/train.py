"""``kit train``: a network trained on a folder of pictures, or retrained without some of them."""

import argparse
import json
from pathlib import Path

from kit.commands.options import add_folder, add_model
from kit.runtime.checks import at_least

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
    command.add_argument("--epochs", type=int, default=20)
    command.add_argument("--batch-size", type=int, default=32)
    command.add_argument("--optimizer", choices=("adam", "sgd"), default="adam")
    command.add_argument("--lr", type=float, default=0.001, help="peak learning rate")
    command.set_defaults(command=run)


def run(args: argparse.Namespace) -> None:
    """Train, and write the weights with what they were trained on."""
    from kit.commands.opening import open_folder, open_request, picture_keys, reading, said
    from kit.metrics import accuracy
    from kit.models import Origin, maker, save_weights, wrap
    from kit.models.weights import check_suffix
    from kit.tasks import forget_classes
    from kit.tasks.files import TABLES
    from kit.training import Recipe, predict
    from kit.training.augment import Augment
    from kit.training.cache import retrained, trained

    check_suffix(args.out)
    at_least(1, epochs=args.epochs)
    data = open_folder(args)
    if args.without:
        listed = Path(args.without[0]).suffix.lower() in TABLES
        args.classes, args.files = (None, args.without) if listed else (args.without, None)
        task = open_request(args, data, None)
    else:
        task = forget_classes(data, [0])  # any request: all of its pictures are trained on
    recipe = Recipe(
        epochs=args.epochs,
        batch_size=args.batch_size,
        optimizer=args.optimizer,
        lr=args.lr,
        weight_decay=0.0 if args.optimizer == "adam" else 5e-4,
        augment=Augment(crop=data.image_size // 8, flip=True),
    )
    network = wrap(maker(args.model, data), data, seed=args.seed)
    train = retrained if args.without else trained
    model = train(network, task, seed=args.seed, recipe=recipe)
    seen, judged = (task.retain, task.test_retain) if args.without else (task.train, task.test)
    keys = picture_keys(data, args.folder)
    mean, std = (values.tolist() for values in data.statistics)
    settings = reading(args)
    origin = Origin(
        args.model,
        data.classes,
        mean=mean,
        std=std,
        **settings,
        trained=[keys[row] for row in seen.rows.tolist()],
        requests=[said(task, args.folder)] if args.without else [],
        made={"command": "train", "seed": args.seed, **model.training_cost},
    )
    save_weights(model.net, args.out, origin)
    right = accuracy(predict(model, judged), judged.y)
    outcome = {
        "out": str(args.out),
        "model": args.model,
        "classes": data.classes,
        "trained_on": len(seen),
        "test_images": len(judged),
        "test_accuracy": right,
        "seconds": model.training_cost["seconds"],
    }
    if args.json:
        print(json.dumps(outcome))
        return
    without = f" without {task.name}" if args.without else ""
    print(
        f"{args.model} trained on {len(seen)} pictures{without} in "
        f"{outcome['seconds']:.0f} s; right on {right:.0%} of {len(judged)} test pictures\n"
        f"written to {args.out}"
    )

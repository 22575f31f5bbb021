"""``kit choose``: which methods can serve, by what is left, what it may cost, and the records."""

import argparse
import json
from pathlib import Path

from kit.commands.options import add_command, add_request

EPILOG = """examples:
  kit choose pets --model torchvision:resnet18 --class cat
  kit choose pets --weights net.safetensors --files request.csv --retain 0.1 --budget 2
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Tell the parser of this command."""
    told = "which methods can serve, and whether retraining is the better choice"
    command = add_command(commands, "choose", told, EPILOG)
    command.add_argument("--weights", type=Path, help="of the network, if it is trained")
    add_request(command)
    for part in ("retain", "forget"):
        command.add_argument(
            f"--{part}",
            type=float,
            default=1.0,
            metavar="SHARE",
            help=f"of the pictures to {part} that are still at hand; 1 by default",
        )
    command.add_argument(
        "--budget",
        type=float,
        metavar="EPOCHS",
        help="what it may cost, in epochs over all training pictures",
    )
    command.add_argument("--epochs", type=int, default=40, help="of a retraining")
    command.add_argument("--batch-size", type=int, default=32, help="of a retraining")
    command.set_defaults(command=run)


def run(args: argparse.Namespace) -> None:
    """Print the methods that can serve, with what the records say."""
    from kit.commands import opening
    from kit.experiments.choose import choose
    from kit.models import maker, read_origin, wrap
    from kit.training import Recipe

    origin = read_origin(args.weights) if args.weights else None
    name = opening.name_of(args.model, origin, args.weights or Path("nothing"))
    data = opening.open_folder(args, origin)
    keys = opening.picture_keys(data, args.folder) if origin else []
    task = opening.open_request(args, data, origin, keys)
    if args.weights:
        model = opening.open_network(name, data, args.weights, origin)
    else:
        model = wrap(maker(name, data), data)
    choice = choose(
        task,
        model,
        retain=args.retain,
        forget=args.forget,
        budget=args.budget,
        recipe=Recipe(epochs=args.epochs, batch_size=args.batch_size),
    )
    print(json.dumps(choice.to_dict()) if args.json else choice)

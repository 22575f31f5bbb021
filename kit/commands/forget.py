"""``kit forget``: a network from which a class, or some pictures, have been unlearned."""

import argparse
import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kit.commands.options import add_command, add_out, add_request

if TYPE_CHECKING:
    from kit.models import Origin
    from kit.tasks import ForgetTask

EPILOG = """examples:
  kit forget pets --weights net.safetensors --class cat --method ssd --out forgotten.safetensors
  kit forget pets --weights net.safetensors --files request.csv --method fisher --out b.safetensors
  kit forget pets --weights net.pt --model torchvision:resnet18 --image-size 96 --class cat \\
      --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225 --out forgotten.safetensors

kit choose says which methods can serve, kit list which there are.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Tell the parser of this command."""
    told = "unlearn a class, or some pictures, from a network"
    command = add_command(commands, "forget", told, EPILOG)
    command.add_argument("--weights", type=Path, required=True, help="of the network as it is")
    add_request(command)
    command.add_argument("--method", required=True, help="kit list names them")
    command.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the method; may be given several times",
    )
    add_out(command)
    command.set_defaults(command=run)


def run(args: argparse.Namespace) -> None:
    """Unlearn, and write the new weights with the request beside them."""
    from kit.commands import opening
    from kit.methods import get
    from kit.methods.unlearn import unlearn
    from kit.metrics import evaluate
    from kit.models import read_origin, save_weights
    from kit.models.weights import check_suffix
    from kit.runtime.files import sha256_of
    from kit.runtime.plain import plain

    check_suffix(args.out)
    if args.out.absolute() == args.weights.absolute():
        raise ValueError(f"--out {args.out} would overwrite the network before: name another file")
    config = get(args.method).configure(**settings(args.settings))
    origin = read_origin(args.weights)
    name = opening.name_of(args.model, origin, args.weights)
    data = opening.open_folder(args, origin)
    keys = opening.picture_keys(data, args.folder)
    task = opening.open_request(args, data, origin, keys)
    model = opening.open_network(name, data, args.weights, origin)
    out = unlearn(args.method, model, task, seed=args.seed, config=config)
    made = {
        "command": "forget",
        "weights": sha256_of(args.weights),
        "method": args.method,
        "config": asdict(config),
        "seed": args.seed,
        "saw": str(get(args.method).access(config)),
        "seconds": out.seconds,
        "passes": out.passes,
    }
    save_weights(out.model.net, args.out, _after(args, task, keys, name, origin, made))
    rows = {"before": evaluate(model, task), "after": evaluate(out.model, task)}
    if args.json:
        print(json.dumps(plain({"out": str(args.out), "request": task.name, **made, "rows": rows})))
    else:
        _tell(args, task, made, rows)


def _tell(args: argparse.Namespace, task: "ForgetTask", made: dict, rows: dict) -> None:
    """What happened, for a reader at a terminal."""
    asked = ", ".join(args.classes or args.files)
    print(f"{args.method} on {asked}: {made['seconds']:.1f} s; it saw {made['saw']}")
    pictures = "of its test pictures" if args.classes else "of those to forget"
    for kind, row in rows.items():
        print(
            f"{kind:>7}: right on {row['retain_accuracy']:4.0%} of the other test pictures, on "
            f"{row['forget_accuracy']:4.0%} {pictures}"
        )
    if rows["after"]["forget_accuracy"] >= rows["before"]["forget_accuracy"]:
        print("nothing was lost of the forgotten: try other settings, or another method")
    print(
        f"written to {args.out}\nAccuracy alone does not say that it forgot: kit audit looks closer"
    )


def settings(texts: list[str]) -> dict[str, object]:
    """The settings in texts such as "lr=0.1".

    Raises
    ------
    ValueError
        a text without an equals sign.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValueError(f"cannot read the setting {text!r}: write --set NAME=VALUE")
        try:
            found[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name.strip()] = value.strip()  # a word
    return found


def _after(
    args: argparse.Namespace,
    task: "ForgetTask",
    keys: list[str],
    name: str,
    origin: "Origin | None",
    made: dict,
) -> "Origin":
    """What the new weights file says of its network."""
    from kit.commands.opening import reading, said
    from kit.models import Origin

    trained = [keys[row] for row in task.retain.rows.tolist()]
    request = said(task, keys)
    if origin is not None:
        return replace(origin, trained=trained, requests=[*origin.requests, request], made=made)
    mean, std = (values.tolist() for values in task.data.statistics)
    return Origin(
        name,
        task.data.classes,
        mean=mean,
        std=std,
        trained=trained,
        requests=[request],
        made=made,
        **reading(args),
    )

"""``kit audit``: a report on what a network still knows of what it was to forget."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kit.commands.options import add_folder, add_model, add_request

if TYPE_CHECKING:
    from kit.models import Origin
    from kit.tasks import ForgetTask

EPILOG = """examples:
  kit audit pets --before net.safetensors --after forgotten.safetensors --class cat \\
      --report report.html
  kit audit pets --before net.safetensors --after forgotten.safetensors --class cat \\
      --retrained retrained0.safetensors retrained1.safetensors --report report.html

Without a retrained network some statements cannot be made; the report says which.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Tell the parser of this command."""
    command = commands.add_parser(
        "audit",
        help="report what a network still knows of what it was to forget",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_folder(command)
    add_model(command, required=False)
    command.add_argument("--before", type=Path, required=True, help="weights before the request")
    command.add_argument("--after", type=Path, required=True, help="weights after it")
    command.add_argument(
        "--after-model",
        metavar="MODEL",
        help="where the network itself was changed, not its weights alone: a wrapper, say",
    )
    command.add_argument(
        "--retrained",
        type=Path,
        nargs="+",
        default=[],
        help="weights of networks that never saw what is forgotten",
    )
    add_request(command)
    command.add_argument("--report", type=Path, help="file to write: .html or .json")
    command.set_defaults(command=run)


def run(args: argparse.Namespace) -> None:
    """Run the audits and write the report."""
    from kit.commands.opening import name_of, open_folder, open_network, open_request
    from kit.models import read_origin
    from kit.plots.report import report
    from kit.training.cache import cache_root

    if args.report is not None and args.report.suffix not in (".html", ".json"):
        raise ValueError(f"--report {args.report} must end in .html or .json")
    origins = {file: read_origin(file) for file in (args.before, args.after, *args.retrained)}
    origin = origins[args.before]
    read_as = origin or next((other for other in origins.values() if other), None)
    data = open_folder(args, read_as)
    task = open_request(args, data, origin)
    check_origins(args, task, origins)

    def network(file: Path):
        other = args.after_model if file == args.after else None
        name = other or name_of(args.model, origins[file], file)
        return open_network(name, data, file, origins[file], judged=True)

    found = report(
        network(args.before),
        network(args.after),
        task,
        retrained=[network(file) for file in args.retrained],
        about=_about(args, task, origins),
        seed=args.seed,
        store=cache_root() / "audits",
    )
    if args.report is not None:
        found.save(args.report)
    if args.json:
        print(json.dumps(found.json))
        return
    print("\n".join(found.first_lines))
    print(f"written to {args.report}" if args.report else "--report report.html writes all of it")


def check_origins(
    args: argparse.Namespace, task: "ForgetTask", origins: dict[Path, "Origin | None"]
) -> None:
    """``ValueError`` where a weights file says that it is not what it is given for."""
    from kit.commands.opening import picture_keys, said

    keys = picture_keys(task.data, args.folder)
    retained = {keys[row] for row in task.retain.rows.tolist()}
    forgotten = {keys[row] for row in task.forget.rows.tolist()}
    first = origins[args.before]
    _check_after(args, said(task, args.folder), first, origins[args.after])
    for file in (args.after, *args.retrained):
        origin = origins[file]
        if origin is None:
            continue
        if origin.classes != task.data.classes:
            raise ValueError(
                f"{file} knows the classes {', '.join(origin.classes)}: it is of others"
            )
        if first is not None and (apart := _apart(origin, first)):
            raise ValueError(
                f"{file} was trained on pictures that were read in another way: {apart}"
            )
        if file not in args.retrained:
            continue
        if origin.made.get("command") == "forget":
            raise ValueError(
                f"{file} was unlearned by kit forget: it is no retrained network; make one with "
                f"kit train --without"
            )
        if seen := len(forgotten & set(origin.trained)):
            raise ValueError(
                f"{file} was trained on {seen} of the pictures to forget: it is no retrained "
                f"network; make one with kit train --without"
            )
        if first is not None and set(origin.trained) != retained:
            raise ValueError(
                f"{file} was trained on {len(origin.trained)} pictures, which are not the "
                f"{len(retained)} that remain: make one with kit train --without"
            )


def _check_after(
    args: argparse.Namespace, asked: dict, before: "Origin | None", after: "Origin | None"
) -> None:
    """``ValueError`` unless the network after is the outcome of this request on that before."""
    if after is None:
        return
    if asked not in after.requests[-1:]:
        told = "it forgot nothing"
        for kind, names in (after.requests[-1] if after.requests else {}).items():
            what = ", ".join(names) if kind == "classes" else f"{len(names)} pictures"
            told = f"it was made to forget {what}"
        raise ValueError(f"{args.after} is not the outcome of this request: {told}")
    parent = after.made.get("weights")
    if parent and parent != hashlib.sha256(args.before.read_bytes()).hexdigest():
        raise ValueError(f"{args.after} was not made from {args.before}, but from other weights")
    if before is not None and after.requests[:-1] != before.requests:
        raise ValueError(f"{args.after} and {args.before} have not forgotten the same before")


def _apart(one: "Origin", other: "Origin") -> str:
    """What two networks' pictures differ in, in words; "" where in nothing."""
    names = ("image_size", "grey", "resize", "test", "test_share", "split_seed")
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in names}
    return "; ".join(f"{name} {a}, not {b}" for name, (a, b) in pairs.items() if a != b)


def _about(
    args: argparse.Namespace, task: "ForgetTask", origins: dict[Path, "Origin | None"]
) -> dict:
    """The facts that a report shows first."""
    data = task.data
    if task.level == "class":
        names = ", ".join(data.classes[c] for c in task.forget_classes)
        request = f"forget the class {names}: {len(task.forget)} training pictures"
    else:
        request = f"forget {len(task.forget)} training pictures, named one by one"
    roles = {"before": args.before, "after": args.after}
    roles |= {f"retrained {n}": file for n, file in enumerate(args.retrained, 1)}
    return {
        "request": request,
        "data": {
            "name": data.name,
            "training pictures": len(task.train),
            "test pictures": len(task.test),
            "classes": len(data.classes),
            "side in pixels": data.image_size,
            "fingerprint": data.fingerprint,
        },
        "weights": {
            role: {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            for role, file in roles.items()
        },
        "method": origins[args.after].made if origins[args.after] else {},
    }

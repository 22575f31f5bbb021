"""``kit audit``: a report on what a network still knows of what it was to forget."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kit.commands.options import add_command, add_request

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
    told = "report what a network still knows of what it was to forget"
    command = add_command(commands, "audit", told, EPILOG)
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
    from kit.commands import opening
    from kit.models import read_origin
    from kit.plots.report import report
    from kit.runtime.files import sha256_of
    from kit.training.cache import cache_root

    if args.report is not None and args.report.suffix not in (".html", ".json"):
        raise ValueError(f"--report {args.report} must end in .html or .json")
    origins = {file: read_origin(file) for file in (args.before, args.after, *args.retrained)}
    origin = origins[args.before]
    read_as = origin or next((other for other in origins.values() if other), None)
    data = opening.open_folder(args, read_as)
    keys = opening.picture_keys(data, args.folder)
    task = opening.open_request(args, data, origin, keys)
    hashes = {file: sha256_of(file) for file in origins}
    check_origins(args, task, keys, origins, hashes)

    def network(file: Path):
        other = args.after_model if file == args.after else None
        name = other or opening.name_of(args.model, origins[file], file)
        return opening.open_network(name, data, file, origins[file], judged=True)

    found = report(
        network(args.before),
        network(args.after),
        task,
        retrained=[network(file) for file in args.retrained],
        about=_about(args, task, origins, hashes),
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
    args: argparse.Namespace, task: "ForgetTask", keys: list[str],
    origins: dict[Path, "Origin | None"], hashes: dict[Path, str],
) -> None:  # fmt: skip
    """``ValueError`` where a weights file says that it is not what it is given for."""
    from kit.commands.opening import said

    first = origins[args.before]
    _check_after(args, said(task, keys), first, origins[args.after], hashes[args.before])
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
        if file in args.retrained:
            _check_retrained(file, origin, task, keys, whole=first is not None)


def _check_retrained(
    file: Path, origin: "Origin", task: "ForgetTask", keys: list[str], *, whole: bool
) -> None:
    """``ValueError`` unless a network saw nothing of what is forgotten and, where it is known what
    the one before saw (``whole``), all of the rest."""
    retained = {keys[row] for row in task.retain.rows.tolist()}
    forgotten = {keys[row] for row in task.forget.rows.tolist()}
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
    if whole and set(origin.trained) != retained:
        raise ValueError(
            f"{file} was trained on {len(origin.trained)} pictures, which are not the "
            f"{len(retained)} that remain: make one with kit train --without"
        )


def _check_after(
    args: argparse.Namespace,
    asked: dict,
    before: "Origin | None",
    after: "Origin | None",
    parent: str,
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
    if after.made.get("weights", parent) != parent:
        raise ValueError(f"{args.after} was not made from {args.before}, but from other weights")
    if before is not None and after.requests[:-1] != before.requests:
        raise ValueError(f"{args.after} and {args.before} have not forgotten the same before")


def _apart(one: "Origin", other: "Origin") -> str:
    """What two networks' pictures differ in, in words; "" where in nothing."""
    names = ("image_size", "grey", "resize", "test", "test_share", "split_seed")
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in names}
    return "; ".join(f"{name} {a}, not {b}" for name, (a, b) in pairs.items() if a != b)


def _about(
    args: argparse.Namespace, task: "ForgetTask", origins: dict[Path, "Origin | None"],
    hashes: dict[Path, str],
) -> dict:  # fmt: skip
    """The request, and what the files say, beside what every report says of its data."""
    count = len(task.forget)
    if task.level == "class":
        names = ", ".join(task.data.classes[c] for c in task.forget_classes)
        request = f"forget the class {names}: {count} training pictures"
    else:
        request = f"forget {count} training pictures, named one by one"
    roles = {"before": args.before, "after": args.after}
    roles |= {f"retrained {n}": file for n, file in enumerate(args.retrained, 1)}
    return {
        "request": request,
        "weights": {
            role: {"file": file.name, "sha256": hashes[file]} for role, file in roles.items()
        },
        "method": origins[args.after].made if origins[args.after] else {},
    }

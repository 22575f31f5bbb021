"""From what a user typed, and what a weights file says, to data, networks and a request."""

import argparse
import hashlib
import math
import unicodedata
from dataclasses import replace
from pathlib import Path

import torch

from kit.datasets import ImageData, from_folder
from kit.datasets.folder import TEST_SHARE
from kit.models import Origin, maker, wrap
from kit.models.answers_only import AnswersOnly, answers_only
from kit.models.heads import NoHead
from kit.models.own import Own
from kit.runtime.progress import progress
from kit.tasks import ForgetTask
from kit.tasks.files import file_rows
from kit.tasks.gone import Gone
from kit.tasks.task import request_classes, request_samples

DEFAULTS = {"image_size": 64, "resize": "crop", "grey": False, "test": "test", "split_seed": 0}


def open_folder(args: argparse.Namespace, origin: Origin | None = None) -> ImageData:
    """The pictures of a folder, read as the network's were.

    Raises
    ------
    ValueError
        settings that are not those of the weights file, classes that the network does not know or
        that are not there, or whatever ``kit.datasets.from_folder`` refuses.
    """
    if not args.folder.is_dir():
        raise ValueError(f"there is no folder {args.folder}")
    settings = reading(args, origin)
    statistics = (origin.mean, origin.std) if origin else (args.mean, args.std)
    if (statistics[0] is None) != (statistics[1] is None):
        raise ValueError("--mean and --std belong together: give both, or none")
    data = from_folder(
        args.folder,
        settings["image_size"],
        grey=settings["grey"],
        resize=settings["resize"],
        test=settings["test"],
        test_share=settings["test_share"],
        seed=settings["split_seed"],
        statistics=None if statistics[0] is None else statistics,
    )
    return data if origin is None else _in_order(data, origin)


def reading(args: argparse.Namespace, origin: Origin | None = None) -> dict:
    """How a folder is read: as the weights file says, else as the user, else by default."""
    tests = args.test or (origin.test if origin else DEFAULTS["test"])
    parts = all((args.folder / part).is_dir() for part in ("train", tests))
    usual = None if parts else TEST_SHARE
    share = usual if args.test_share is None else args.test_share
    asked = {name: getattr(args, name) for name in DEFAULTS} | {"test_share": args.test_share}
    if origin is None:
        chosen = {n: v if asked[n] is None else asked[n] for n, v in DEFAULTS.items()}
        return chosen | {"test_share": share}
    kept = {name: getattr(origin, name) for name in asked}
    kept |= {"mean": origin.mean, "std": origin.std}
    for name, value in (asked | {"mean": args.mean, "std": args.std}).items():
        if value is not None and not _equal(value, kept[name]):
            option = "--" + name.replace("_", "-")
            raise ValueError(
                f"{option} {value} does not fit the network, whose weights file says "
                f"{kept[name]}: leave {option} out"
            )
    if (origin.test_share is None) != parts:
        was, now = ("parts of its own", "none") if not parts else ("none", "parts of its own")
        raise ValueError(
            f"the network was trained on a folder that had {was}, {args.folder} has {now}: give "
            f"the folder it was trained on"
        )
    return kept


def _equal(one: object, other: object) -> bool:
    """Whether two settings are the same; numbers as float32 holds them."""
    if isinstance(one, list) and len(one) == len(other):
        return all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(one, other, strict=True))
    return one == other


def open_network(
    name: str, data: ImageData, file: Path, origin: Origin | None, *, judged: bool = False
) -> Own | AnswersOnly:
    """The network in a weights file, for the pictures of ``data``.

    One that is only ``judged`` may change what its last layer says.

    Raises
    ------
    ValueError
        a network of another name than the file says, or whatever ``kit.models.wrap`` refuses.
    """
    own = {}
    if origin is not None:
        ours = [values.tolist() for values in data.statistics]
        if not torch.allclose(torch.tensor(ours), torch.tensor([origin.mean, origin.std])):
            own = {"mean": origin.mean, "std": origin.std}
    make = maker(name, data)
    try:
        return wrap(make, data, state=file, **own)
    except NoHead:
        if not judged:
            raise
        return answers_only(make, data, state=file, **own)
    except ValueError as error:
        raise ValueError(f"{file} as {name}: {error}") from error


def name_of(model: str | None, origin: Origin | None, file: Path) -> str:
    """The network's name, as the user or the weights file says it.

    Raises
    ------
    ValueError
        neither says it, or they differ.
    """
    said = origin.model if origin else None
    if model is None and said is None:
        raise ValueError(f"{file} does not say which network it holds: say --model")
    if model is not None and said is not None and model != said:
        raise ValueError(f"{file} holds a {said}, --model says {model}")
    return model or said


def open_request(
    args: argparse.Namespace, data: ImageData, origin: Origin | None, keys: list[str]
) -> ForgetTask:
    """The request, put to a network of this origin; only an origin needs ``picture_keys``.

    Raises
    ------
    ValueError
        pictures that the network was trained on and that are gone, or whatever ``kit.tasks``
        refuses.
    """
    gone, trained = Gone(), torch.ones(len(data.train_y), dtype=torch.bool)
    if origin is not None:
        known = set(origin.trained)
        trained = torch.tensor([key in known for key in keys])
        if lost := len(known) - int(trained.sum()):
            raise ValueError(
                f"{lost} of the {len(known)} pictures that the network was trained on are not in "
                f"{args.folder} any more, or were altered: put them back, or train anew"
            )
        gone = _gone(origin, data, keys)
    if args.classes:
        return request_classes(data, args.classes, gone, trained)
    files = args.files[0] if len(args.files) == 1 else args.files
    return request_samples(data, file_rows(data, files, args.column), gone, trained)


def said(task: ForgetTask, keys: list[str]) -> dict[str, list[str]]:
    """A request as a weights file keeps it; ``keys``: ``picture_keys``."""
    if task.level == "class":
        return {"classes": [task.data.classes[c] for c in task.forget_classes]}
    return {"files": sorted(keys[row] for row in task.forget.rows.tolist())}


def picture_keys(data: ImageData, folder: Path) -> list[str]:
    """What training pictures are known by: a hash of the path below the folder and of the file.

    Nobody who lacks a picture can find out whether a network was trained on it, and a picture that
    was replaced is another one.
    """
    root, keys = folder.absolute(), []
    for file in progress(map(Path, data.train_files), "hashing", total=len(data.train_files)):
        name = unicodedata.normalize("NFC", file.relative_to(root).as_posix())
        keys.append(hashlib.sha256(name.encode() + b"\0" + file.read_bytes()).hexdigest()[:16])
    return keys


def _gone(origin: Origin, data: ImageData, keys: list[str]) -> Gone:
    """What the network has forgotten already."""
    names = {name for request in origin.requests for name in request.get("classes", [])}
    files = {key for request in origin.requests for key in request.get("files", [])}
    classes = tuple(c for c, name in enumerate(data.classes) if name in names)
    return Gone(classes, torch.tensor([key in files for key in keys]))


def _in_order(data: ImageData, origin: Origin) -> ImageData:
    """The data with the classes in the order of the network's outputs.

    A class that was forgotten may have no folder any more.
    """
    unknown = sorted(set(data.classes) - set(origin.classes))
    if unknown:
        raise ValueError(
            f"the network does not know the classes {', '.join(unknown)}; it knows "
            f"{', '.join(origin.classes)}"
        )
    forgotten = {name for request in origin.requests for name in request.get("classes", [])}
    lacking = sorted(set(origin.classes) - set(data.classes) - forgotten)
    if lacking:
        raise ValueError(
            f"there are no pictures of {', '.join(lacking)}, which the network was trained on"
        )
    places = torch.tensor([origin.classes.index(name) for name in data.classes])
    return replace(
        data,
        classes=list(origin.classes),
        train_y=places[data.train_y],
        test_y=places[data.test_y],
    )

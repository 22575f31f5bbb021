"""Networks by name: the kit's, torchvision's, timm's, Hugging Face's, a function in a file."""

import difflib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from kit.models.architectures import build, names
from kit.models.base import Shape

FORMS = "resnet8, torchvision:resnet18, timm:vit_tiny_patch16_224, hf:FOLDER or module.py:function"


def maker(name: str, task: Shape) -> Callable[[], nn.Module]:
    """A function that makes the network ``name`` with fresh weights, for ``kit.models.wrap``.

    Parameters
    ----------
    name
        "resnet8" and the kit's others; "torchvision:resnet18"; "timm:vit_tiny_patch16_224";
        "hf:FOLDER", a folder with the ``config.json`` of an image classifier; or
        "module.py:function", which returns the network and is given those of ``num_classes``,
        ``image_size`` and ``in_channels`` that it takes. Nothing is downloaded.
    task
        says channels, image size and classes.

    Raises
    ------
    ValueError
        a name of no such form, a network that its library does not know, a package that is not
        there, a function that is not in its file or needs other arguments.
    """
    kind, colon, rest = name.partition(":")
    if not colon:
        if name not in names():
            close = difflib.get_close_matches(name, names()) or names()
            raise ValueError(f"no network {name!r}: say {FORMS}; close to it: {', '.join(close)}")
        return lambda: build(name, task, seed=int(torch.randint(2**31, ())))
    makers = {"torchvision": _torchvision, "timm": _timm, "hf": _hugging_face}
    if kind in makers:
        return makers[kind](rest, task)
    file, _, function = name.rpartition(":")
    if file.endswith(".py"):
        return _from_file(Path(file), function, task)
    raise ValueError(f"cannot read the network {name!r}: say {FORMS}")


def _torchvision(name: str, task: Shape) -> Callable[[], nn.Module]:
    from torchvision import models  # slow to import

    _refuse_unknown("torchvision", name, models.list_models(module=models))
    if task.in_channels != 3:
        raise ValueError(
            f"torchvision's networks take colour images, not {task.in_channels} channel"
        )
    options = {"num_classes": task.num_classes}
    if "image_size" in _parameters(models.get_model_builder(name)) or name.startswith("vit_"):
        options["image_size"] = task.image_size
    return lambda: models.get_model(name, weights=None, **options)


def _timm(name: str, task: Shape) -> Callable[[], nn.Module]:
    timm = _package("timm", "timm")
    _refuse_unknown("timm", name, timm.list_models())
    options = {"num_classes": task.num_classes, "in_chans": task.in_channels}

    def make() -> nn.Module:
        try:  # transformers must be told the size, most others cannot be
            return timm.create_model(name, img_size=task.image_size, **options)
        except TypeError:
            return timm.create_model(name, **options)

    return make


def _hugging_face(folder: str, task: Shape) -> Callable[[], nn.Module]:
    transformers = _package("transformers", "Hugging Face's")
    if not (Path(folder).expanduser() / "config.json").is_file():
        raise ValueError(f"{folder} holds no config.json of a Hugging Face network")
    shape = {"num_channels": task.in_channels, "image_size": task.image_size}
    try:
        config = transformers.AutoConfig.from_pretrained(
            Path(folder).expanduser(), local_files_only=True, num_labels=task.num_classes, **shape
        )
        kind = transformers.AutoModelForImageClassification
        return lambda: kind.from_config(config)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder}/config.json is none of an image classifier: {error}") from error


def _from_file(file: Path, function: str, task: Shape) -> Callable[[], nn.Module]:
    if not file.is_file():
        raise ValueError(f"{file} is not there: say module.py:function with the path of the file")
    make = getattr(_executed(file), function, None)
    if not callable(make):
        raise ValueError(f"{file} has no function {function!r}")
    given = {
        "num_classes": task.num_classes,
        "image_size": task.image_size,
        "in_channels": task.in_channels,
    }
    parameters = inspect.signature(make).parameters.values()
    lacking = [
        p.name
        for p in parameters
        if p.name not in given
        and p.default is p.empty
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if lacking:
        raise ValueError(
            f"{function} of {file} needs {', '.join(lacking)}: it may take {', '.join(given)}, and "
            f"anything that has a default"
        )
    taken = {name: value for name, value in given.items() if name in _parameters(make)}
    return lambda: make(**taken)


def _executed(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    beside = str(file.absolute().parent)  # what it may import
    sys.path.insert(0, beside)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{file} cannot be run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(beside)
    return module


def _package(name: str, whose: str) -> ModuleType:
    if not importlib.util.find_spec(name):
        raise ValueError(f"{whose} networks need the package {name}: pip install {name}")
    return importlib.import_module(name)


def _parameters(function: Callable) -> set[str]:
    return set(inspect.signature(function).parameters)


def _refuse_unknown(library: str, name: str, known: list[str]) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known) or known
        raise ValueError(f"{library} has no network {name!r}; close: {', '.join(close[:5])}")

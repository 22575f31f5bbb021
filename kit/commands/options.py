"""What several commands ask for: a folder of pictures, a network, a request."""

import argparse
from pathlib import Path

# How a folder is read: option -> what argparse is told of it.
READING = {
    "--image-size": {
        "type": int,
        "metavar": "PIXELS",
        "help": "side of the squares that pictures become; 64 by default",
    },
    "--resize": {
        "choices": ("crop", "pad", "squash"),
        "help": "how an oblong picture becomes a square; crop by default",
    },
    "--grey": {"action": "store_true", "default": None, "help": "one channel, not three"},
    "--test": {"metavar": "NAME", "help": 'folder of the test part; "test" by default'},
    "--test-share": {
        "type": float,
        "metavar": "SHARE",
        "help": "of the pictures, where there are no parts; 0.2 by default",
    },
    "--split-seed": {"type": int, "metavar": "N", "help": "of those parts; 0 by default"},
    **{
        f"--{name}": {
            "type": float,
            "nargs": "+",
            "metavar": "X",
            "help": f"{name} per channel in [0, 1], by which the network's images were "
            f"normalised; by default the folder's own",
        }
        for name in ("mean", "std")
    },
}


def add_command(
    commands: argparse._SubParsersAction, name: str, told: str, epilog: str, *, model: bool = False
) -> argparse.ArgumentParser:
    """A command on a folder and a network; ``model``: whether the network must be named."""
    command = commands.add_parser(
        name, help=told, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _add_folder(command)
    _add_model(command, required=model)
    return command


def add_out(command: argparse.ArgumentParser) -> None:
    """The weights file that is written."""
    command.add_argument(
        "--out", type=Path, required=True, help="weights file to write: .safetensors, .pt or .pth"
    )


def _add_folder(command: argparse.ArgumentParser) -> None:
    """The folder and how it is read; what a weights file says need not be said again."""
    command.add_argument(
        "folder",
        type=Path,
        help="class folders, FOLDER/cat/*.jpg, or parts of them, FOLDER/train/cat/*.jpg and "
        "FOLDER/test/cat/*.jpg",
    )
    reading = command.add_argument_group("how the folder is read, where no weights file says it")
    for option, told in READING.items():
        reading.add_argument(option, **told)
    command.add_argument("--seed", type=int, default=0, help="of all that is random; 0 by default")
    command.add_argument("--json", action="store_true", help="print the outcome as JSON")


def _add_model(command: argparse.ArgumentParser, *, required: bool) -> None:
    """The network by name."""
    command.add_argument(
        "--model",
        required=required,
        help="resnet8 (kit list names more), torchvision:resnet18, timm:vit_tiny_patch16_224, "
        "hf:FOLDER with a config.json, or module.py:function"
        + ("" if required else "; by default what the weights file says"),
    )


def add_request(command: argparse.ArgumentParser) -> None:
    """What is to be forgotten."""
    asked = command.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "--class",
        dest="classes",
        action="append",
        metavar="NAME",
        help="forget this class; may be given several times",
    )
    asked.add_argument(
        "--files",
        nargs="+",
        metavar="FILE",
        help="forget these training pictures: ends of their paths, patterns, or one table of "
        "them, request.csv",
    )
    command.add_argument("--column", help="of the table, the one that holds the files")

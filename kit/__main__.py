"""Delete from a network what it was trained on, and look whether it is gone.

Each command is a file of ``kit.commands``.
"""

import argparse
import sys
from pathlib import Path

from kit.commands import audit, choose, forget, records, train
from kit.runtime.version import __version__, rival

EPILOG = """from a folder of pictures to a report, in three commands:
  {kit} train pets --model torchvision:resnet18 --out net.safetensors
  {kit} forget pets --weights net.safetensors --class cat --method ssd --out after.safetensors
  {kit} audit pets --before net.safetensors --after after.safetensors --class cat --report a.html

which method, or rather retraining:
  {kit} choose pets --model torchvision:resnet18 --class cat --retain 0.1 --budget 2

the book's experiments:
  {kit} run results/experiments/unsir.toml
  {kit} sweep --task class:3 --methods ssd,unsir --seeds 3

exit codes: 0 done; 2 bad input, one line says what; 3 some runs failed, the others are kept;
130 interrupted, the same command goes on. KIT_CACHE: where finished work is kept.
{kit} COMMAND --help says more.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; bad input prints one line that says what was wrong and returns 2.

    Runs that failed return 3: they are listed, and everything else was done. An interrupt returns
    130: what was finished is kept, and the same command goes on from there.
    """
    args = _parser().parse_args(arguments)
    if told := rival():
        print(f"kit: {told}", file=sys.stderr)
    try:
        failed = args.command(args)
    except KeyboardInterrupt:
        print("kit: interrupted; finished work is kept, the same command goes on", file=sys.stderr)
        return 130
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"kit: {error}", file=sys.stderr)
        return 2
    if failed:
        print(f"kit: {failed}", file=sys.stderr)
    return 3 if failed else 0


def _parser() -> argparse.ArgumentParser:
    called = "kit" if Path(sys.argv[0]).name == "kit" else "python -m kit"
    parser = argparse.ArgumentParser(
        prog=called,
        description=__doc__.splitlines()[0],
        epilog=EPILOG.format(kit=called),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kit {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (train, forget, audit, choose, records):
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

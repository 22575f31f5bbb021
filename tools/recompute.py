"""Recompute from the records what the published pages say, and compare.

    python tools/recompute.py                       # the pages that make published would show
    python tools/recompute.py results/executed/quick/scorecard.ipynb

A cell that makes no network needs nothing but records and data: it runs again, asserts included,
and its prose, tables and alt texts have to be those of the page. A cell that makes networks, or
needs a name from one that does, is left to make test, which executes every chapter. Status 1: some
page says what the records do not.
"""

import argparse
import ast
import multiprocessing
import os
import re
import symtable
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import nbformat
import torch
from chapters import REPOSITORY
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from stage import find

from kit.runtime.progress import progress

KEPT = [REPOSITORY / "results" / "executed" / p for p in ("paper", "laptop", "quick")]
CHANGERS = {"append", "extend", "update", "add", "insert", "setdefault"}
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


class NeedsNetwork(Exception):
    """A cell makes a network: what it shows was measured when the page was executed."""


@dataclass
class Recomputed:
    """What running a page's cells again has shown; numbers are those of its computed prose."""

    cells: int = 0
    left: int = 0  # cells that need networks
    numbers: int = 0
    numbers_left: int = 0
    differences: list[str] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, help="executed chapters")
    args = parser.parse_args(arguments)
    absent = [str(page) for page in args.pages if not page.is_file()]
    if absent:
        parser.error(f"not there: {', '.join(absent)}")
    wrong = False
    for page, found in recompute_pages(args.pages or find(KEPT)):
        agree = f"{found.cells} cells and {found.numbers} numbers in prose agree"
        left = f"{found.left} cells and {found.numbers_left} numbers need a model"
        print(f"{page.parent.name}/{page.stem}: {agree}; {left}")
        for difference in found.differences:
            print(f"  {difference}")
        wrong |= bool(found.differences)
    return int(wrong)


def recompute_pages(pages: list[Path]) -> Iterator[tuple[Path, Recomputed]]:
    """Each executed chapter in a process of its own: a chapter may change the kit that it uses."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawn, max_tasks_per_child=1) as processes:
        found = processes.map(recompute, (nbformat.read(page, as_version=4) for page in pages))
        yield from progress(zip(pages, found, strict=True), "pages", total=len(pages))


def recompute(page: nbformat.NotebookNode) -> Recomputed:
    """Run the cells of an executed chapter that need no network and compare what they show."""
    found, unknown = Recomputed(), set()
    with own_shell() as shell, NoNetworks() as networks:
        for number, cell in enumerate(page.cells):
            if cell.cell_type != "code" or "skip-execution" in cell.metadata.get("tags", []):
                continue
            said = numbers(cell.outputs)
            networks.asked_for = False
            error, shown = run(shell, cell.source)
            if networks.asked_for or is_unknown(error, unknown):
                unknown |= changed_names(cell.source)
                for name in unknown & set(shell.user_ns):
                    if not isinstance(shell.user_ns[name], ModuleType):
                        del shell.user_ns[name]
                found.left, found.numbers_left = found.left + 1, found.numbers_left + said
                continue
            unknown -= changed_names(cell.source)
            problem = f"now raises {error!r}" if error else difference(cell.outputs, shown)
            if problem:
                found.differences.append(f"cell {number}: {problem}")
            else:
                found.cells, found.numbers = found.cells + 1, found.numbers + said
    return found


@contextmanager
def own_shell() -> Iterator[InteractiveShell]:
    """A shell with no names yet, which takes the place of ``__main__`` while it lasts."""
    shell = InteractiveShell.instance()
    try:
        yield shell
    finally:
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()


class NoNetworks:
    """While it lasts, making a network raises ``NeedsNetwork``, and it is noted: a sweep, say, goes
    on when a run fails."""

    asked_for = False

    def __enter__(self):
        self.init = torch.nn.Module.__init__

        def refuse(*_: object, **__: object) -> None:
            self.asked_for = True
            raise NeedsNetwork

        torch.nn.Module.__init__ = refuse
        return self

    def __exit__(self, *_: object):
        torch.nn.Module.__init__ = self.init


def run(shell: InteractiveShell, source: str) -> tuple[BaseException | None, list]:
    """A cell's error, if there is one, and what it shows."""
    with capture_output() as captured:
        result = shell.run_cell(source)
    return result.error_before_exec or result.error_in_exec, captured.outputs


def is_unknown(error: BaseException | None, unknown: set[str]) -> bool:
    """Whether a cell failed for a name that a cell with a network would have given."""
    while error is not None:
        if isinstance(error, NameError) and error.name in unknown:
            return True
        error = error.__cause__ or error.__context__
    return False


def changed_names(source: str) -> set[str]:
    """The names that a cell assigns, or whose objects it changes; those of functions are theirs."""
    cell = symtable.symtable(source, "cell", "exec")
    names = {symbol.get_name() for symbol in cell.get_symbols() if symbol.is_assigned()}
    for node in statements(ast.parse(source)):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(base_name(node))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in CHANGERS:
            names.add(base_name(node.func))
    return names - {""}


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run when the cell does: not the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield child
            yield from statements(child)


def base_name(node: ast.AST) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def difference(outputs: list, shown: list) -> str:
    """The first text that the page has and the records do not give, or nothing."""
    page = [text(output.data) for output in outputs if output.output_type == "display_data"]
    now = [text(output.data) for output in shown]
    for old, new in zip(page, now, strict=False):
        if old != new:
            at = len(os.path.commonprefix([old, new]))
            near = slice(max(0, at - 30), at + 40)
            return f"the page says ...{old[near]!r}, the records ...{new[near]!r}"
    return "" if len(page) == len(now) else f"the page shows {len(page)} outputs, now {len(now)}"


def text(data: dict) -> str:
    """What a reader can read of an output: prose, a table's cells, a figure's alt text."""
    if "text/markdown" in data:
        return " ".join(data["text/markdown"].split())
    page = data.get("text/html", "")
    alts = " ".join(re.findall(r'alt="([^"]*)"', page))
    page = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(f"{alts} {re.sub(r'<[^>]*>', ' ', page)}".split())


def numbers(outputs: list) -> int:
    """How many numbers stand in the computed prose of a cell."""
    prose = [output.data.get("text/markdown", "") for output in outputs if "data" in output]
    return sum(len(NUMBER.findall(one)) for one in prose)


if __name__ == "__main__":
    sys.exit(main())

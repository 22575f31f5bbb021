"""The rooms of the kit: each imports only what stands before it, and no file imports itself."""

import ast
import shutil
from pathlib import Path

import pytest

import kit

PACKAGE = Path(kit.__file__).parent
ROOMS = {  # in their order, with what a reader looks for there
    "runtime": "where it runs and what it costs: device, cost, progress, files, clusters",
    "datasets": "images: `load`, `from_folder`, `Split`, the embedded sets",
    "models": "networks: `build`, `wrap`, pretrained ones; their channels and hooks",
    "tasks": "requests to forget: classes, single images, features",
    "training": "`fit`, `predict`, recipes, augmentation, trained networks on disk, profiles",
    "parts": "what methods and audits are built of: distillation, masks, Newton steps, filters",
    "metrics": "answers, membership, inside, comes_back, feature, many: a folder a question",
    "methods": "one file per method; `unlearn`, data access, contracts",
    "shadows": "many small networks that attack one method",
    "federated": "clients and a server",
    "experiments": "one file per kind of experiment; records, claims, sweeps, tuning",
    "plots": "figures, tables and sentences of the book; reports on a network of one's own",
    "commands": "the command line, one file a command",
}
IMPORTERS = ("import_module", "__import__")
LONG = {  # functions of more than 40 lines of code, and why each is one
    "training/loop.py:fit": "the training loop, read from top to bottom",
    "training/ensemble.py:fit_ensemble": "its twin for many networks, line by line the same",
}


def files(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def imports(file: Path, package: Path) -> set[Path]:
    """The files of the package that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(IMPORTERS):
            names = [a.value for a in node.args if isinstance(a, ast.Constant)]
        else:
            continue
        found |= {located(name, package) for name in names if str(name).split(".")[0] == "kit"}
    return found


def located(name: str, package: Path) -> Path:
    """The file that the import of a dotted name reads: a module, or the one that defines it."""
    parts = name.split(".")[1:]
    while parts:
        place = package.joinpath(*parts)
        if place.with_suffix(".py").exists():
            return place.with_suffix(".py")
        if (place / "__init__.py").exists():
            return place / "__init__.py"
        parts.pop()
    return package / "__init__.py"


def room(file: Path, package: Path) -> str:
    return file.relative_to(package).parts[0]


def climbs(package: Path) -> list[str]:
    """Imports of a later room, or of the package's own root, from a room."""
    order = list(ROOMS)
    found = []
    for file in files(package):
        if room(file, package) not in order:
            continue  # __init__ and __main__ stand above all rooms
        allowed = order[: order.index(room(file, package)) + 1]
        found += [
            f"{file.relative_to(package)} imports {other.relative_to(package)}"
            for other in imports(file, package)
            if room(other, package) not in allowed
        ]
    return found


def circle(package: Path) -> list[str]:
    """The files of a circle of imports, [] if there is none."""
    graph = {file: imports(file, package) for file in files(package)}
    done, path = set(), []

    def walk(file: Path) -> list[Path]:
        if file in path:
            return [*path[path.index(file) :], file]
        if file in done:
            return []
        path.append(file)
        for other in sorted(graph[file]):
            if round_trip := walk(other):
                return round_trip
        done.add(path.pop())
        return []

    for file in graph:
        if round_trip := walk(file):
            return [str(f.relative_to(package)) for f in round_trip]
    return []


def test_no_room_imports_a_later_one():
    assert not climbs(PACKAGE)


def test_no_circle():
    assert not circle(PACKAGE)


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(PACKAGE, tmp_path / "kit", ignore=shutil.ignore_patterns("*.npz"))


@pytest.mark.parametrize(
    "line",
    ["from kit.methods.unsir import unsir", "from kit import methods", "import kit.methods.unsir",
     "import kit", "from kit import unlearn", "__import__('kit.methods.unsir')",
     "importlib.import_module('kit.methods.unsir')"],
)  # fmt: skip
def test_a_planted_climb_is_found(copied, line):
    file = copied / "models" / "vgg.py"
    file.write_text(file.read_text() + f"\n\ndef late():\n    {line}\n")
    (found,) = climbs(copied)
    assert found.startswith("models/vgg.py imports ")


def test_a_planted_circle_is_found(copied):
    file = copied / "models" / "base.py"
    file.write_text(file.read_text() + "\n\ndef late():\n    from kit.models.vgg import VGG\n")
    assert not climbs(copied)
    assert {"models/base.py", "models/vgg.py"} <= set(circle(copied))


def test_the_rooms_are_those_of_the_order():
    there = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert there == set(ROOMS)
    entries = [p for p in PACKAGE.iterdir() if p.name != "__pycache__"]
    assert len(entries) <= 16, sorted(p.name for p in entries)


def test_contributing_shows_the_order():
    """CONTRIBUTING's table of rooms is made of the order above."""
    rows = [f"| `kit/{name}` | {what} |" for name, what in ROOMS.items()]
    table = "\n".join(["| room | what is in it |", "|---|---|", *rows])
    assert table in (PACKAGE.parent / "CONTRIBUTING.md").read_text(), f"it should be:\n{table}"


# --- sizes


def code_lines(node: ast.AST, lines: list[str]) -> int:
    """Lines of a function without its docstring, comments and blank lines."""
    text = set(range(node.lineno, node.end_lineno + 1))
    if ast.get_docstring(node):
        text -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return sum(bool(lines[n - 1].split("#")[0].strip()) for n in text)


def test_no_function_is_long_without_a_reason():
    found = set()
    for file in files(PACKAGE):
        source = file.read_text()
        for node in ast.walk(ast.parse(source)):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and code_lines(node, source.splitlines()) > 40:
                found.add(f"{file.relative_to(PACKAGE)}:{node.name}")
    assert found == set(LONG) and len(LONG) <= 5


def test_no_file_is_longer_than_300_lines():
    lengths = {str(f.relative_to(PACKAGE)): len(f.read_text().splitlines()) for f in files(PACKAGE)}
    assert not {name: n for name, n in lengths.items() if n > 300}

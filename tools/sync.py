"""Make the .ipynb twin of MyST notebooks: same input, same bytes (no random cell ids, no outputs).

python tools/sync.py notebooks/unsir.md ...         writes the twins
python tools/sync.py --check notebooks/*.md         fails if one is out of date
"""

import argparse
import sys
from pathlib import Path

import jupytext
import nbformat


def twin(source: Path) -> str:
    """The text of the .ipynb that belongs to a MyST notebook."""
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        if cell.cell_type == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, report differences")
    parser.add_argument("notebooks", nargs="+", type=Path)
    args = parser.parse_args(arguments)
    absent = [str(path) for path in args.notebooks if not path.exists()]
    if absent:
        parser.error(f"not there: {', '.join(absent)}")
    stale = []
    for source in args.notebooks:
        target, text = source.with_suffix(".ipynb"), twin(source)
        if not target.exists() or target.read_text() != text:
            stale.append(target)
        if not args.check:
            target.write_text(text)
    for target in stale:
        print(f"{target} {'is out of date: run make notebooks' if args.check else 'written'}")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

"""Begin a method: a file that runs and passes its contracts, and a chapter that runs.

    python tools/new.py my_method "My method"

Both are fine-tuning until you change them. Then: `make notebooks`, the printed line into _toc.yml,
`make test`.
"""

import argparse
import keyword
import sys
from pathlib import Path

TOOLS = Path(__file__).parent
TEMPLATES = {"method.py": "kit/methods/{}.py", "chapter.md": "notebooks/class_{}.md"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="as in kit.unlearn(name, ...), e.g. my_method")
    parser.add_argument("title", help="as on the page")
    parser.add_argument("--into", type=Path, default=TOOLS.parent, help="the repository")
    args = parser.parse_args(arguments)
    files = {args.into / place.format(args.name): TOOLS / "templates" / template
             for template, place in TEMPLATES.items()}  # fmt: skip
    there = [str(file) for file in files if file.exists()]
    if not args.name.isidentifier() or keyword.iskeyword(args.name) or not args.name.islower():
        parser.error(f"{args.name!r} cannot name a method: write it like my_method")
    if there:
        parser.error(f"already there: {', '.join(there)}")
    for file, template in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        text = template.read_text().replace("NAME", args.name).replace("TITLE", args.title)
        file.write_text(text)
        print(file)
    print(f"for _toc.yml:      - file: notebooks/class_{args.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

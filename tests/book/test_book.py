"""The book's sources: contents, twins, chapters, citations, environment."""

import ast
import re
import tomllib

import jupytext
import pytest
import yaml

import kit
from tests.conftest import ROOT

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())


FILES = [TOC["root"], *(c["file"] for part in TOC["parts"] for c in part["chapters"])]


CHAPTERS = [f.removeprefix("notebooks/") for f in FILES if f.startswith("notebooks/")]


SCALES = [c for c in CHAPTERS if c.endswith("_scales")]  # a chapter's findings at other scales


METHOD_CHAPTERS = [c for c in CHAPTERS if c.startswith(("class_", "feature_")) and c not in SCALES]


BIB = set(re.findall(r"@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text()))


def read(chapter):
    return jupytext.read(ROOT / "notebooks" / f"{chapter}.md")


def tags(cell):
    return cell.metadata.get("tags", [])


def code_cells(chapter):
    return [c for c in read(chapter).cells if c.cell_type == "code"]


def test_contents_and_files_agree():
    on_disk = {f"notebooks/{p.stem}" for p in (ROOT / "notebooks").glob("*.md")}
    on_disk |= {f"book/{p.stem}" for p in (ROOT / "book").glob("*.md")}
    assert set(FILES) == on_disk and len(FILES) == len(set(FILES))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_has_its_parts(chapter):
    text = (ROOT / "notebooks" / f"{chapter}.md").read_text()
    if chapter in SCALES:
        assert not [part for part in PARTS if part not in text.lower()]
        assert re.search(rf"\]\({chapter.removesuffix('_scales')}(\.ipynb)?\)", text)
        return
    check_parts(text, METHOD_PARTS if chapter in METHOD_CHAPTERS else ())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_box_says_the_same_things_in_the_same_order(chapter):
    text = (ROOT / "notebooks" / f"{chapter}.md").read_text()
    box = text.partition("{admonition} At a glance")[2].partition("\n:::")[0]
    labels = re.findall(r"^- \*\*([^*]+)\*\*", box, re.MULTILINE)
    assert labels == [
        label for label in GLANCE if chapter not in SCALES or label != "You will learn"
    ]


GLANCE = ["Idea", "Needs", "You will learn", "Before you start", "Verdict", "Scale", "Time"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_a_chapter_needs_stands_before_it(chapter):
    text = (ROOT / "notebooks" / f"{chapter}.md").read_text()
    line = re.search(r"^- \*\*Before you start\*\*(.*?)^(?:- |:::)", text, re.M | re.S)[1]
    needed = re.findall(r"\]\((\w+)(?:\.ipynb)?\)", line)
    late = [c for c in needed if CHAPTERS.index(c) >= CHAPTERS.index(chapter)]
    assert not late


@pytest.mark.parametrize("chapter", [c for c in CHAPTERS if c not in SCALES])
def test_three_questions_with_folded_answers(chapter):
    text = (ROOT / "notebooks" / f"{chapter}.md").read_text()
    quiz = text.partition("\n## Quiz\n")[2].partition("\n## ")[0]
    answers = re.findall(r":::\{admonition\} Answer\n:class: dropdown\n(.+?)\n:::", quiz, re.S)
    assert len(answers) == 3 == len(re.findall(r"^\*\*\d\. .*?\*\*", quiz, re.M | re.S))
    assert all(re.match(r"\*{0,2}\(?[a-d]\)", answer.strip()) for answer in answers)


@pytest.mark.parametrize("chapter", [c for c in CHAPTERS if c not in SCALES])
def test_exercises_say_how_long_they_take_and_have_an_answer(chapter):
    """●●● is research: open, without an answer."""
    text = (ROOT / "notebooks" / f"{chapter}.md").read_text()
    starts = r":::\{exercise-start\} (\S.*)\n:label: (\S+)\n:::\n(●+)( \d+ minutes?\.)?"
    exercises = re.findall(starts, text)
    assert len(exercises) == text.count("{exercise-start}")
    for _, label, dots, minutes in exercises:
        assert minutes or dots == "●●●", f"{label} does not say how long it takes"
        assert f"{{solution-start}} {label}\n" in text or dots == "●●●", f"{label} has no answer"


@pytest.mark.parametrize("chapter", [c for c in CHAPTERS if c not in SCALES])
def test_each_chapter_has_a_drawing_of_its_idea(chapter):
    text = (ROOT / "notebooks" / f"{chapter}.md").read_text()
    drawn = re.findall(r"\{figure\} \.\./book/_static/(\S+\.svg)", text)
    assert drawn and all((ROOT / "book" / "_static" / file).exists() for file in drawn)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_figures_are_named_by_their_numbers(chapter):
    text = (ROOT / "notebooks" / f"{chapter}.md").read_text()
    for words in (
        "opening figure",
        "opening picture",
        "figure above",
        "picture above",
        "figure below",
    ):
        assert words not in text, f"{words!r}: say {{numref}}"


PARTS = ("at a glance", "did it really forget?", "## take-aways", "## references")


METHOD_PARTS = ("{prf:algorithm}", "## the mathematics", "## when it breaks", "retrain",
                "## differences from the paper", "## which should i use?")  # fmt: skip


def check_parts(text, more):
    wanted = (*PARTS, "## quiz", "## exercises", *more)
    lacking = [part for part in wanted if part.lower() not in text.lower()]
    assert not lacking
    exercises, solutions = (text.count(f"{{{k}-start}}") for k in ("exercise", "solution"))
    assert exercises >= 2 and solutions >= exercises - 1  # the last may be open research


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_cells_are_short_and_parse(chapter):
    """What is read is short; what is folded, for lines of 78 columns, is longer, but no program."""
    cells = code_cells(chapter)
    folded = [not {"hide-input", "remove-output", "remove-cell"}.isdisjoint(tags(c)) for c in cells]
    lengths = [len(c.source.splitlines()) for c in cells]
    read = sorted(n for n, fold in zip(lengths, folded, strict=True) if not fold)
    assert read[-1] <= 25 and read[len(read) // 2] <= 12
    assert max(lengths) <= 60
    wide = [line for c in cells for line in c.source.splitlines() if len(line) > 78]
    assert not [line for line in wide if "%pip" not in line]
    for cell in cells:
        if "skip-execution" not in tags(cell):
            ast.parse(cell.source)
    assert sum("parameters" in tags(c) for c in cells) == 1
    parameters = next(c for c in cells if "parameters" in tags(c))
    assert parameters.source == 'profile = "quick"'
    assert {"skip-execution", "remove-cell"} <= set(tags(cells[0])) and "pip install" in cells[
        0
    ].source


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_figures_go_through_the_kit(chapter):
    """kit.plots.show demands alt text; a bare plt.show or a Markdown image could go without."""
    code = "\n".join(c.source for c in code_cells(chapter))
    assert "plt." not in code and ".plot.show" not in code
    assert "kit.plots." in code


@pytest.mark.parametrize("file", FILES)
def test_citations_exist_and_images_have_alt_text(file):
    text = (ROOT / f"{file}.md").read_text()
    cited = {k.strip() for group in re.findall(r"\{cite(?::\w)?\}`([^`]+)`", text)
             for k in group.split(",")}  # fmt: skip
    assert cited <= BIB, f"{file} cites {cited - BIB}, which references.bib lacks"
    assert not re.search(r"!\[\s*\]\(", text)
    for figure in re.findall(r"```\{figure\}[\s\S]*?```", text):
        assert re.search(r":alt: \S", figure)
        assert re.search(r"\n\n\S", figure), "a figure has a caption"
        options = figure.partition("\n\n")[0].splitlines()[1:]
        assert all(line.startswith((":", "  ")) for line in options), "an option goes on indented"
    if cited:
        assert "{bibliography}" in text


def test_other_names_are_of_pages_that_exist():
    names = yaml.safe_load((ROOT / "book" / "other_names.yml").read_text())
    assert set(names) <= set(FILES)


def test_methods_cite_papers_that_exist():
    for name in kit.methods.names():
        assert kit.methods.get(name).paper in BIB | {""}


def test_no_numbers_are_typed_into_result_prose():
    """Per cents in Markdown are the paper's, or the 95 % of a definition or an interval."""
    for chapter in CHAPTERS:
        for cell in read(chapter).cells:
            if cell.cell_type != "markdown":
                continue
            said = re.sub(r"^:(?:width|name): .*\n", "", cell.source, flags=re.M)
            for line in said.split("\n\n"):
                typed = set(re.findall(r"(\d+(?:\.\d+)?)\s?%", line)) - {"95", "0"}
                assert not typed or "paper" in line, f"{chapter}: {typed} in {line!r}"


def test_environment_installs_what_the_makefile_does():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, _, pip = environment["dependencies"]
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert python == f"python {requires}"
    makefile = (ROOT / "Makefile").read_text()
    install = next(
        line for line in makefile.splitlines() if "pip install" in line and "--editable" in line
    )
    for option in pip["pip"]:
        assert option.replace("--editable .[all]", "--editable '.[all]'") in install


def test_extras_and_lock():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    own = [name for name in extras if name != "all"]
    assert extras["all"] == [f"{project['name']}[{','.join(own)}]"]
    assert [c.rsplit(" ", 1)[1] for c in project["classifiers"] if "3." in c] == [
        "3.11",
        "3.12",
        "3.13",
    ]
    lock = (ROOT / "constraints.txt").read_text().lower()
    wanted = [re.split(r"[><=\[]", d)[0].replace("_", "-") for d in project["dependencies"] + sum(
        (extras[name] for name in own), [])]  # fmt: skip
    assert [w for w in wanted if not re.search(rf"^{re.escape(w)}==", lock, re.M)] == []


def test_one_address_everywhere():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    for file in [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md"),
                 ROOT / "README.md", ROOT / "CITATION.cff"]:  # fmt: skip
        for link in re.findall(r"https://github\.com/did-[\w./-]+", file.read_text()):
            assert link.startswith(address), f"{file.name} links {link}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_installed_cell_is_first_and_names_the_repository(chapter):
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    assert f"git+{address}" in code_cells(chapter)[0].source

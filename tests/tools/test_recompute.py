"""``tools/recompute.py``: a page whose text is not what its cells give is found."""

import nbformat
import pytest
import recompute
from nbformat.v4 import new_code_cell, new_notebook, new_output

SAY = "from IPython.display import Markdown, display\n"


def cell(source, said=None):
    outputs = [] if said is None else [new_output("display_data", {"text/markdown": said})]
    return new_code_cell(source, outputs=outputs)


def found(*cells):
    return recompute.recompute(new_notebook(cells=[new_code_cell(SAY), *cells]))


def test_a_page_that_agrees():
    page = found(cell("share = 0.25"), cell("display(Markdown(f'{share:.0%} of 3'))", "25% of 3"))
    assert (page.cells, page.left, page.numbers, page.differences) == (3, 0, 2, [])


@pytest.mark.parametrize(
    ("source", "said", "problem"),
    [
        ("display(Markdown('24%'))", "25%", "the page says ...'25%', the records ...'24%'"),
        ("assert 1 > 2", None, "now raises AssertionError"),
        ("display(Markdown('1'))", None, "the page shows 0 outputs, now 1"),
        ("undefined", None, "now raises NameError"),
    ],
)
def test_what_the_records_do_not_say_is_told(source, said, problem):
    (told,) = found(cell(source, said)).differences
    assert problem in told


def test_what_needs_a_network_is_left_and_what_needs_that_too():
    page = found(
        cell("import torch\nrows = []"),
        cell("rows.append(torch.nn.Linear(1, 1))\nnumber = 2"),
        cell("display(Markdown(f'{number} of 7'))", "2 of 7"),
        cell("len(rows)"),
        cell("number = 3\ndisplay(Markdown(f'{number}'))", "3"),
    )
    assert page.left == 3 and page.numbers_left == 2
    assert page.cells == 3 and page.numbers == 1 and not page.differences


def test_a_network_that_fails_unseen_is_one_that_is_needed():
    source = "import torch\ntry:\n    torch.nn.Linear(1, 1)\nexcept Exception:\n    failed = True"
    page = found(cell(source), cell("assert not failed"))
    assert page.left == 2 and not page.differences


def test_names_that_are_assigned_anew_are_known_again():
    page = found(
        cell("import torch\nnumber = torch.nn.Linear(1, 1)"),
        cell("number = 3\ndisplay(Markdown(f'{number}'))", "3"),
    )
    assert page.cells == 2 and page.numbers == 1 and not page.differences


def test_the_names_of_a_function_are_its_own():
    page = found(
        cell("import torch\ntotal = 2\ndef f():\n    total = torch.nn.Linear(1, 1)"),
        cell("f()"),
        cell("def g(total):\n    hidden = total\n[hidden for hidden in range(2)]"),
        cell("display(Markdown(f'{total}'))", "3"),
    )
    assert page.left == 1 and len(page.differences) == 1  # total is known, and not what it said
    unknown = cell("import torch\nhidden = torch.nn.Linear(1, 1)")
    page = found(unknown, cell("def g():\n    hidden = 1"), cell("hidden"))
    assert page.left == 2 and not page.differences  # g makes it known to nobody


def test_modules_stay_known():
    source = "import torch, types\ntypes.own = torch.nn.Linear(1, 1)"
    page = found(cell(source), cell("display(Markdown(types.__name__))", "types"))
    assert page.left == 1 and page.cells == 2


def test_tables_and_alt_texts_count_and_styles_do_not():
    html = '<style>#T_{} {{}}</style><img alt="{}: 0.5"><td>7</td>'
    same, other = (recompute.text({"text/html": html.format(i, "mean")}) for i in (1, 2))
    assert same == other == "mean: 0.5 7"
    assert recompute.text({"text/html": html.format(1, "sd")}) != same


def test_networks_can_be_made_afterwards():
    import torch

    found(cell("import torch\ntorch.nn.Linear(1, 1)"))
    assert torch.nn.Linear(2, 2).weight.shape == (2, 2)


def test_the_status_and_a_page_that_is_not_there(tmp_path, capsys):
    page = new_notebook(cells=[new_code_cell(SAY), cell("display(Markdown('1'))", "2")])
    nbformat.write(page, tmp_path / "page.ipynb")
    assert recompute.main([str(tmp_path / "page.ipynb")]) == 1
    assert "the page says ...'2', the records ...'1'" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        recompute.main([str(tmp_path / "absent.ipynb")])
    assert "not there" in capsys.readouterr().err

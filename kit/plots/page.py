"""What a page shows: figures with their alt text, prose with measured numbers, tables."""

import base64
import html
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.figure import Figure

from kit.runtime.checks import one_of


def show(fig: Figure, alt: str) -> None:
    """Display a figure with the text that says what it shows to those who cannot see it.

    The figure is an opaque white card, so that it reads the same on a dark page.

    Raises
    ------
    ValueError
        an alt text that is empty.
    """
    display({"text/html": _image(fig, alt), "text/plain": alt}, raw=True)


def slider(label: str, frames: Mapping[str, tuple[Figure, str]]) -> None:
    """Show one figure at a time, chosen by a slider: its position -> (figure, alt text).

    Works wherever HTML does, without a running kernel.

    Raises
    ------
    ValueError
        no frame, or an empty alt text.
    """
    if not frames:
        raise ValueError("a slider needs at least one frame")
    choose = (
        "const box = this.closest('.kit-slider');"
        "const chosen = box.querySelectorAll('[data-value]');"
        "chosen.forEach((frame, i) => frame.hidden = i != this.value);"
        "box.querySelector('output').textContent = chosen[this.value].dataset.value"
    )
    first = html.escape(next(iter(frames)))
    control = (
        f"<label>{html.escape(label)}: <output>{first}</output> "
        f'<input type="range" min="0" max="{len(frames) - 1}" value="0" oninput="{choose}"></label>'
    )
    _one_of_many("kit-slider", control, label, frames)


def tabs(label: str, frames: Mapping[str, tuple[Figure, str]]) -> None:
    """Show one figure at a time, chosen by its name: for a few that have no order.

    Raises
    ------
    ValueError
        no frame, or an empty alt text.
    """
    if not frames:
        raise ValueError("tabs need at least one frame")
    group = f"tabs-{sha256(repr((label, *frames)).encode()).hexdigest()[:8]}"
    buttons = "".join(
        f'<label style="margin-right: 1rem"><input type="radio" name="{group}" '
        f'value="{i}"{"" if i else " checked"} onchange="{_CHOOSE}"> {html.escape(name)}</label>'
        for i, name in enumerate(frames)
    )
    legend = f'<div role="radiogroup" aria-label="{html.escape(label)}">{html.escape(label)}: '
    _one_of_many("kit-tabs", f"{legend}{buttons}</div>", label, frames)


_CHOOSE = (
    "this.closest('.kit-tabs').querySelectorAll('[data-value]')"
    ".forEach((frame, i) => frame.hidden = i != this.value)"
)


def _one_of_many(
    kind: str, control: str, label: str, frames: Mapping[str, tuple[Figure, str]]
) -> None:
    """Display a control over its figures, all but the first hidden."""
    images = "".join(
        f'<div data-value="{html.escape(value)}"{" hidden" if i else ""}>{_image(fig, alt)}</div>'
        for i, (value, (fig, alt)) in enumerate(frames.items())
    )
    text = "; ".join(f"{label} {value}: {alt}" for value, (_, alt) in frames.items())
    page = f'<div class="{kind}">{control}{images}</div>'
    display({"text/html": page, "text/plain": text}, raw=True)


def _image(fig: Figure, alt: str) -> str:
    if not alt.strip():
        raise ValueError("alt must say in words what the figure shows")
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=160, facecolor="white")
    plt.close(fig)
    width = round(fig.get_figwidth() * 100)  # CSS pixels
    image = base64.b64encode(file.getvalue()).decode()
    return (
        f'<img class="kit-figure" width="{width}" alt="{html.escape(alt)}" '
        f'src="data:image/png;base64,{image}">'
    )


def say(text: str) -> None:
    """Show a paragraph of prose whose numbers were measured: Markdown, usually an f-string."""
    display(Markdown(text))


def table(
    frame: pd.DataFrame, numbers: str = "{:.1%}", *, sortable: bool = False,
    filters: Sequence[str] = (), pinned: str = "",
) -> None:  # fmt: skip
    """Show a table; ``numbers`` formats its floats, whole numbers stay as they are.

    An index that only counts the rows is not shown. With ``sortable`` a click on a heading sorts
    the rows, below the row named ``pinned``; above the table each of the columns ``filters`` has a
    list of its values, which chooses the rows. Both work wherever HTML runs scripts; where it does
    not, the table is a table.

    Raises
    ------
    ValueError
        a filter that is no column, a pinned row that is not there.
    """
    frame = frame.rename(columns=lambda c: c.replace("_", " ") if isinstance(c, str) else c)
    filters = [column.replace("_", " ") for column in filters]
    for column in filters:
        one_of("filters", column, frame.columns)
    if pinned:
        one_of("pinned", pinned, frame.index)
        frame = frame.loc[[pinned, *frame.index.drop(pinned)]]

    def text(value: object) -> str:
        if isinstance(value, float):
            return "" if math.isnan(value) else numbers.format(value)
        return str(value)

    styled = frame.style.format(text).set_table_attributes('class="dataframe"')
    counted = isinstance(frame.index, pd.RangeIndex)
    if counted:
        styled = styled.hide(axis="index")
    if not (sortable or filters):
        display(styled)
        return
    page = styled.to_html()
    if sortable:
        page = re.sub(
            r"(<th[^>]*col_heading[^>]*>)(.*?)</th>",
            rf'\1<button class="kit-sort" onclick="{html.escape(_SORT)}">\2</button></th>',
            page,
        )
    places = {column: frame.columns.get_loc(column) + (not counted) for column in filters}
    lists = "".join(
        _filter(c, place, frame[c].map(text).map(_plain).unique()) for c, place in places.items()
    )
    page = f'<div class="kit-table" data-pinned="{html.escape(pinned)}">{lists}{page}</div>'
    display({"text/html": page, "text/plain": frame.to_string()}, raw=True)


def _plain(cell: str) -> str:
    """What a reader sees of a cell, without its markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", cell)).strip()


def _filter(column: str, place: int, values: Iterable[str]) -> str:
    """A list of the values of a column, which stands at this place in a row."""
    options = "".join(f"<option>{html.escape(value)}</option>" for value in values)
    return (
        f'<label class="kit-filter">{html.escape(column)} <select data-column="{place}" '
        f'onchange="{html.escape(_FILTER)}"><option value="">all</option>{options}</select></label>'
    )


# A row stays where every list says "all" or the row's own value.
_FILTER = (
    "const box = this.closest('.kit-table'), lists = [...box.querySelectorAll('select')];"
    "const cell = (row, list) => row.children[list.dataset.column].textContent.trim();"
    "for (const row of box.querySelector('table').tBodies[0].rows)"
    " row.hidden = lists.some((list) => list.value && list.value !== cell(row, list))"
)


# By number where every cell of the column begins with one, else by text; again: the other way.
_SORT = (
    "const head = this.closest('th'), body = this.closest('table').tBodies[0];"
    "const column = [...head.parentNode.children].indexOf(head);"
    "const down = this.dataset.down = this.dataset.down === 'yes' ? 'no' : 'yes';"
    "[...head.parentNode.children].forEach((one) => one.removeAttribute('aria-sort'));"
    "head.setAttribute('aria-sort', down === 'yes' ? 'descending' : 'ascending');"
    "const text = (row) => row.children[column].textContent.trim();"
    "const value = (row) => text(row) === '' ? -Infinity : parseFloat(text(row).replace('−', '-'));"
    "const order = (a, b) => isNaN(value(a)) || isNaN(value(b))"
    " ? text(a).localeCompare(text(b)) : value(a) - value(b);"
    "[...body.rows].sort((a, b) => down === 'yes' ? order(b, a) : order(a, b))"
    ".forEach((row) => body.append(row));"
    "const pinned = this.closest('.kit-table').dataset.pinned;"
    "[...body.rows].filter((row) => pinned && row.children[0].textContent.trim() === pinned)"
    ".forEach((row) => body.prepend(row))"
)

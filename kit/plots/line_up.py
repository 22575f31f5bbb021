"""The line-up: networks without names, audits to switch on, verdicts to give."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from kit.plots.style import BLUE, SKY
from kit.plots.touch import touch

if TYPE_CHECKING:
    from bokeh.plotting import figure

VERDICTS = ("forgot", "hides", "never asked")

_REVEAL = "panels.forEach((one, i) => { one.visible = audits.active.includes(i); });"
_CHECK = """
const names = Object.keys(truth);
const right = names.filter((name, i) => choices[i].value === truth[name]).length;
const open = choices.filter((one) => !one.value).length;
const used = audits.active.length;
said.text = `<p><b>${right} of ${names.length}</b> verdicts are right, with ${used} audits beyond`
  + ` accuracy.${open ? ` ${open} are still open.` : ""}</p>`;
"""


def line_up(
    table: pd.DataFrame, truth: Mapping[str, str], band: pd.DataFrame, shown: Sequence[str]
) -> None:
    """Show audits of anonymous networks: a panel for each, hidden until it is asked for.

    Parameters
    ----------
    table
        a row for each network by its letter, a column for each audit.
    truth
        the verdict on each letter, one of ``VERDICTS``.
    band
        the same audits of known retrained networks, one a row: the yardstick.
    shown
        the columns that can be seen from the start.

    Raises
    ------
    ValueError
        letters of table and truth that differ, or another verdict.
    """
    from bokeh.layouts import column, row
    from bokeh.models import Button, CheckboxButtonGroup, CustomJS, Div, Select

    if list(table.index) != list(truth) or not set(truth.values()) <= set(VERDICTS):
        raise ValueError(f"truth needs each letter of the table and a verdict of {VERDICTS}")
    hidden = [name for name in table if name not in shown]
    seen = [_panel(table[name], band[name]) for name in shown]
    panels = [_panel(table[name], band[name], visible=False) for name in hidden]
    audits = CheckboxButtonGroup(labels=hidden, active=[])
    audits.js_on_change("active", CustomJS(args={"audits": audits, "panels": panels}, code=_REVEAL))
    options = [("", "your verdict"), *((one, one) for one in VERDICTS)]
    choices = [Select(title=f"Network {letter}", value="", options=options) for letter in truth]
    half = (len(choices) + 1) // 2
    check = Button(label="Check my verdicts", button_type="primary")
    said = Div(styles={"font-size": "1rem"}, html_attributes={"role": "status"})
    args = {"truth": dict(truth), "choices": choices, "audits": audits, "said": said}
    check.js_on_click(CustomJS(args=args, code=_CHECK))
    touch(
        column(*seen, audits, *panels, row(column(*choices[:half]), column(*choices[half:])),
               check, said),
        f"A game to touch: networks {', '.join(truth)}. A dot for each shows its "
        f"{' and '.join(shown)}; buttons reveal {', '.join(hidden)}. Choose a verdict for each "
        "network, then check how many are right.",
    )  # fmt: skip


def _panel(values: pd.Series, band: pd.Series, visible: bool = True) -> "figure":
    """A dot for each network over the range of the retrained ones."""
    from bokeh.models import BoxAnnotation, Range1d
    from bokeh.plotting import figure

    letters = list(values.index)
    fig = figure(height=190, tools="", x_range=letters, title=str(values.name), visible=visible)
    # Both ends are set: a panel that is hidden at first finds none by itself.
    fig.y_range = Range1d(0, 1.1 * float(max(values.max(), band.max())))
    fig.add_layout(BoxAnnotation(
        bottom=float(band.min()), top=float(band.max()), fill_color=SKY, fill_alpha=0.3,
        line_color=SKY, line_width=2,
    ))  # fmt: skip
    fig.scatter(letters, [round(float(v), 4) for v in values], size=12, color=BLUE)
    return fig

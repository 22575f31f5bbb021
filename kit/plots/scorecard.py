"""The scorecard as a picture: a mark for each statement of a paper, by what it is about."""

from collections.abc import Mapping
from textwrap import fill

import matplotlib.pyplot as plt
import pandas as pd

from kit.experiments import claims, results
from kit.plots.page import say, show, table
from kit.plots.style import BLUE, figure, style

IN_A_ROW = 5  # marks, before the next line of a cell begins
DRAWN = 3  # numbers of one unit that are worth a picture
PAPER = {"marker": "D", "color": "white", "markeredgecolor": "black", "linestyle": "", "zorder": 2}
OURS = {"marker": "o", "color": BLUE, "linestyle": "", "zorder": 3}


def findings(statements: pd.DataFrame, about: Mapping[str, str], verdicts: list[str]) -> None:
    """Show every statement as a mark: a row for each paper, a column for what it is about.

    Parameters
    ----------
    statements
        with the columns ``paper``, ``about`` and ``verdict``, as ``claims.statements`` gives them.
    about
        what a statement can be about -> the heading of its column.
    verdicts
        in the order in which a cell shows them; each has a colour and a marker of its own.
    """
    papers, kinds = list(statements["paper"].unique()), list(about)
    fig, axis = figure(7, 1.2 + 0.7 * len(papers))
    said = []
    for (paper, kind), here in statements.groupby(["paper", "about"], sort=False):
        found = sorted(here["verdict"], key=verdicts.index)
        for place, verdict in enumerate(found):
            line, column = divmod(place, IN_A_ROW)
            x, y = (
                kinds.index(kind) + 0.16 * (column - 2),
                papers.index(paper) + 0.26 * (line - 0.5),
            )
            axis.plot(x, y, linestyle="", markersize=8.5, markeredgecolor="white", **style(verdict))
        counts = ", ".join(f"{found.count(v)} {v}" for v in verdicts if v in found)
        said.append(f"{paper}, {about[kind]}: {counts}")
    _frame(axis, papers, list(about.values()), verdicts)
    told = "; ".join(said).replace("\n", " ")
    show(fig, f"A mark for each of {len(statements)} statements. {told}")


def beside(*starts: str) -> None:
    """Show a paper's numbers beside ours: the claims whose names start so and that were run.

    A picture of those in per cent, where there are three and more; a table of all. Below stand the
    settings of our runs. A number with one seed has no interval.

    Raises
    ------
    ValueError
        no such claim, or none that was run.
    """
    chosen = [claim for claim in claims.load() if claim.id.startswith(starts)]
    records = results.read()
    found = {claim: claims.judge(claim, records) for claim in chosen}
    found = {claim: one for claim, one in found.items() if one.seeds}
    if not found:
        raise ValueError(f"no claim that was run starts with {' or '.join(starts)}")
    shares = {claim: one for claim, one in found.items() if claim.unit == "%"}
    if len(shares) >= DRAWN:
        _side_by_side(shares)
    rows = [
        {"claim": claim.text, "paper": claims.show_value(claim.claimed, claim.unit),
         "ours": claims.show_measured(one, claim.unit), "seeds": one.seeds}
        for claim, one in found.items()
    ]  # fmt: skip
    table(pd.DataFrame(rows))
    scales = "\n".join(f"- {scale}" for scale in dict.fromkeys(claim.scale for claim in found))
    say(f"Ours is the mean over seeds, its 95 % interval in brackets. It was run on\n\n{scales}")


def _side_by_side(found: Mapping[claims.Claim, claims.Measured]) -> None:
    """A line for each claim: the paper's number, and ours with its interval, in per cent."""
    fig, axis = figure(7, 1.1 + 0.3 * len(found))
    said = []
    for height, (claim, one) in enumerate(found.items()):
        paper, ours = 100 * claim.claimed, 100 * one.mean
        axis.plot([paper, ours], [height] * 2, color="#BFBFBF", linewidth=1, zorder=1)
        axis.plot([100 * one.low, 100 * one.high], [height] * 2, color=OURS["color"], linewidth=2)
        axis.plot(paper, height, label="" if height else "the paper", **PAPER)
        axis.plot(ours, height, label="" if height else "ours", **OURS)
        said.append(f"{claim.text}: {paper:.1f} in the paper, {ours:.1f} here")
    axis.set(xlabel="per cent", yticks=range(len(found)))
    axis.set_yticklabels([fill(claim.text, 48) for claim in found], fontsize=8)
    axis.grid(False, axis="y")
    axis.invert_yaxis()
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.5 / len(found) - 0.12), ncols=2)
    show(fig, "Per cent. " + "; ".join(said))


def _frame(axis: plt.Axes, papers: list[str], headings: list[str], verdicts: list[str]) -> None:
    axis.set(xlim=(-0.5, len(headings) - 0.5), ylim=(len(papers) - 0.5, -0.5))
    axis.set(xticks=range(len(headings)), yticks=range(len(papers)))
    axis.set_xticklabels(headings)
    axis.set_yticklabels(papers)
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.grid(False)
    for y in range(1, len(papers)):
        axis.axhline(y - 0.5, color="#E5E5E5", linewidth=1)
    for verdict in verdicts:
        axis.plot([], [], linestyle="", markersize=9, label=verdict, **style(verdict))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(verdicts))

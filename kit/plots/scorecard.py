"""The scorecard as a picture: a mark for each statement of a paper, by what it is about."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd

from kit.experiments import claims, results
from kit.plots.page import say, show, table
from kit.plots.style import figure, style

IN_A_ROW = 5  # marks, before the next line of a cell begins


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

    Below the table stand the settings of our runs. A number with one seed has no interval.

    Raises
    ------
    ValueError
        no such claim, or none that was run.
    """
    chosen = [claim for claim in claims.load() if claim.id.startswith(starts)]
    records = results.read()
    found = {claim: claims.judge(claim, records) for claim in chosen}
    rows = [
        {"claim": claim.text, "paper": claims.show_value(claim.claimed, claim.unit),
         "ours": claims.show_measured(one, claim.unit), "seeds": one.seeds}
        for claim, one in found.items() if one.seeds
    ]  # fmt: skip
    if not rows:
        raise ValueError(f"no claim that was run starts with {' or '.join(starts)}")
    table(pd.DataFrame(rows))
    scales = dict.fromkeys(claim.scale for claim, one in found.items() if one.seeds)
    say(f"Ours: {'; '.join(scales)}. The mean over seeds, its 95 % interval in brackets.")


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

"""``Choice``: what ``choose`` found, to read in a terminal or a notebook, or to hand over."""

import html
import math
import textwrap
from dataclasses import dataclass

import pandas as pd

from kit.experiments.evidence import LEVELS, REFERENCE

WIDTH = 80


@dataclass(frozen=True)
class Choice:
    """The methods for a request, the most useful first.

    Attributes
    ----------
    level
        of the request.
    table
        a row a method: ``serves``, ``why`` not, the ``settings`` it then needs, and what the
        records say, as ``kit.experiments.evidence.evidence`` has it. NaN: no record. ``passes``,
        ``cost`` and ``minutes`` are for the request at hand: ``cost`` over those of retraining.
    yardstick
        gap between two retrained networks, from 0 to 1; NaN if the records have but one.
    minutes
        that retraining takes here; None if it is not known.
    """

    level: str
    table: pd.DataFrame
    yardstick: float
    minutes: float | None = None

    @property
    def first_line(self) -> str:
        """What to know before any method: what retraining takes, and whether any is as good."""
        retraining = self.table.loc[REFERENCE]
        if not retraining["serves"]:
            return f"Retraining cannot serve: it {retraining['why']}. {self._nearest}"
        if retraining["settings"]:
            return f"Retraining can use only a part of the retained images. {self._nearest}"
        rivals = self._candidates
        rivals = rivals[(rivals["gap"] <= self.yardstick) & (rivals["cost"] < 1)]
        if rivals.empty:
            return (
                f"Retraining takes {self._takes}; no method below came as close to it for less. "
                f"{self._nearest}"
            )
        best = rivals.iloc[0]
        return (
            f"Retraining takes {self._takes}; {best.name} came as close to it as a second "
            f"retraining does, for {best['cost']:.0%} of the passes (on {best['measured_on']}). "
            f"{self._nearest}"
        )

    @property
    def shown(self) -> pd.DataFrame:
        """The methods that can serve as text: differences to retraining in points of 100."""
        rows = self.table[self.table["serves"].astype(bool)]
        return pd.DataFrame({
            "gap": [_interval(row) for _, row in rows.iterrows()],
            "keeps": rows["retain"].map(_signed),
            "answers": rows["forget"].map(_signed),
            "inside": rows["features"].map(_signed),
            "relearn": rows["relearning"].map(_relearning),
            "collapsed": [_of(row["collapsed"], row["runs"]) for _, row in rows.iterrows()],
            "cost": rows["cost"].map(lambda c: "" if pd.isna(c) else f"{c:.0%}"),
        }, index=rows.index)  # fmt: skip

    @property
    def notes(self) -> list[str]:
        """How to read the columns, where the numbers are from, and why the others cannot serve."""
        keeps, answers, inside = LEVELS[self.level].words
        serving = self.table[self.table["serves"].astype(bool)]
        notes = [
            f"Points of 100, difference to retraining. keeps: {keeps}. answers: {answers}. inside: "
            f"{inside}. gap: the largest of the three, with its 95 % interval. relearn: steps, "
            f"over those of a retrained network. collapsed: runs, in all experiments. cost: "
            f"passes, over those of retraining.",
            "retrain: a second retrained network beside the first.",
        ]
        for place, rows in serving.groupby("measured_on", sort=False):
            images, seeds = int(rows["images"].iloc[0]), int(rows["seeds"].iloc[0])
            size = f"{images:,} images, {seeds} seed{'s' * (seeds != 1)}"
            notes.append(f"Measured on {place} ({size}): {', '.join(rows.index)}.")
        for name, row in serving.iterrows():
            if row["settings"]:
                said = ", ".join(f"{key}={value!r}" for key, value in row["settings"].items())
                notes.append(f"{name} can serve with {said}: no record.")
            elif row["why"]:
                notes.append(f"{name} {row['why']}.")
        if same := list(serving.index[serving["untouched"].fillna(False).astype(bool)]):
            notes.append(f"Inside as before the request: {', '.join(same)}.")
        refused = self.table[~self.table["serves"].astype(bool)]
        for why, rows in refused.groupby("why", sort=False):
            notes.append(f"Cannot serve, because it {why}: {', '.join(rows.index)}.")
        return notes

    def to_dict(self) -> dict:
        """All of it for JSON: null where nothing was measured, "inf" for what never came back."""
        rows = [{"method": name, **row} for name, row in self.table.iterrows()]
        return {
            "level": self.level,
            "first_line": self.first_line,
            "retraining_minutes": self.minutes,
            "yardstick": _plain(self.yardstick),
            "methods": [{key: _plain(value) for key, value in row.items()} for row in rows],
            "notes": self.notes,
        }

    def __str__(self):
        notes = map(_wrapped, self.notes)
        return "\n".join([_wrapped(self.first_line), "", *_lines(self.shown), "", *notes])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        table = self.shown.rename_axis(None).to_html(border=0)
        table = table.replace("<td>", '<td style="white-space: nowrap">')
        table = f'<div style="font-size: 0.85em">{table}</div>'
        return f"<p><strong>{html.escape(self.first_line)}</strong></p>{table}<ul>{notes}</ul>"

    @property
    def _candidates(self) -> pd.DataFrame:
        """Methods that serve, have a record, collapsed nowhere and changed what is inside."""
        rows = self.table.drop(index=REFERENCE)
        rows = rows[rows["serves"].astype(bool) & rows["gap"].notna()]
        return rows[(rows["collapsed"] == 0) & ~rows["untouched"].astype(bool)]

    @property
    def _nearest(self) -> str:
        if self._candidates.empty:
            return "The records know no method here that serves, changes the inside and holds."
        best = self._candidates.iloc[0]
        said = (
            f"Nearest in the records: {best.name}, {100 * best['gap']:.1f} points from retraining"
        )
        if math.isnan(self.yardstick):
            return f"{said}; how far apart two retrained networks are, one seed cannot tell."
        said += f", where two retrained networks are {100 * self.yardstick:.1f} apart"
        if best["gap_low"] <= self.yardstick < best["gap"]:
            return f"{said}; {best['seeds']:.0f} seeds cannot tell the two apart."
        return f"{said}."

    @property
    def _takes(self) -> str:
        if self.minutes is None:
            return f"{self.table['passes'][REFERENCE]:.2g} passes over the training set"
        if self.minutes < 1:
            return f"about {60 * self.minutes:.0f} seconds here"
        if self.minutes < 120:
            return f"about {self.minutes:.0f} minute{'s' * (round(self.minutes) != 1)} here"
        return f"about {self.minutes / 60:.1f} hours here"


def _lines(shown: pd.DataFrame) -> list[str]:
    """A table of text, a line a row; pandas would spend more columns on it."""
    rows = [["", *shown.columns], *([name, *cells] for name, *cells in shown.itertuples())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{name:{widths[0]}} " + " ".join(map(str.rjust, cells, widths[1:]))
        for name, *cells in rows
    ]


def _interval(row: pd.Series) -> str:
    if pd.isna(row["gap"]):
        return "no record" if pd.isna(row["seeds"]) else "one seed"
    if pd.isna(row["gap_low"]):
        return f"{100 * row['gap']:.1f}"
    low = max(0.0, row["gap_low"])  # no gap is below 0
    return f"{100 * row['gap']:.1f} ({100 * low:.1f}-{100 * row['gap_high']:.1f})"


def _signed(difference: float) -> str:
    return "" if pd.isna(difference) else f"{100 * difference:+.1f}"


def _relearning(ratio: float) -> str:
    if pd.isna(ratio):
        return ""
    return "never" if math.isinf(ratio) else f"{ratio:.2f}x"


def _of(some: float, all_runs: float) -> str:
    return "" if pd.isna(all_runs) else f"{int(some)}/{int(all_runs)}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH)


def _plain(value: object) -> object:
    """As JSON can hold it: infinity is "inf", as in the records."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return None if math.isnan(value) else "inf" if math.isinf(value) else value
    return value

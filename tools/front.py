"""What the first page says of the whole book, computed: the result, and how long it takes."""

import re

from chapters import REPOSITORY, names
from status import table

from kit import claims

WORDS_PER_MINUTE = 100  # of somebody who follows formulas and figures


def result() -> str:
    """What came out of the papers' statements, by what they are about."""
    statements = claims.statements(claims.scorecard())
    counts = statements.groupby(["about", "verdict"]).size().unstack(fill_value=0)
    counts = counts.reindex(index=list(claims.ABOUT), columns=claims.VERDICTS, fill_value=0)
    counts.loc["all"] = counts.sum()
    headings = {about: heading.replace("\n", " ") for about, heading in claims.ABOUT.items()}
    rows = [
        {"statements about": headings.get(about, "**all**")}
        | {verdict: str(number) for verdict, number in row.items()}
        for about, row in counts.iterrows()
    ]
    return table(rows)


def hours() -> str:
    """Hours of reading and of exercises, from the chapters' words and the exercises' minutes."""
    texts = [(REPOSITORY / "notebooks" / f"{name}.md").read_text() for name in names()]
    reading = sum(len(prose(text).split()) for text in texts) / WORDS_PER_MINUTE / 60
    minutes = [int(n) for text in texts for n in re.findall(r"^●+ (\d+) minutes?\.", text, re.M)]
    exercises = sum(text.count("{exercise-start}") for text in texts)
    return (
        f"{len(texts)} pages with code: about {reading:.0f} hours of reading. {exercises} "
        f"exercises; the {len(minutes)} that are not open research take about "
        f"{sum(minutes) / 60:.0f} hours together.\n"
    )


def prose(text: str) -> str:
    """A chapter without its code."""
    return re.sub(r"^```\{code-cell\}.*?^```$", "", text, flags=re.M | re.S)

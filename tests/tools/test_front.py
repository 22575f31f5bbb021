"""``tools/front.py``: what the first page says of the whole book."""

import front

from kit import claims


def test_the_result_counts_every_statement_once():
    statements = claims.statements(claims.scorecard())
    *rows, last = [line.split(" | ") for line in front.result().splitlines()[2:]]
    assert last[0].strip("| ") == "**all**"
    assert sum(int(n.strip("| ")) for n in last[1:]) == len(statements)
    for place, verdict in enumerate(claims.VERDICTS, start=1):
        column = [int(row[place].strip("| ")) for row in rows]
        assert (
            sum(column) == int(last[place].strip("| ")) == (statements["verdict"] == verdict).sum()
        )


def test_hours_are_counted_from_words_and_minutes(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    code = "```{code-cell}\n" + "x " * 9999 + "\n```\n"
    exercises = ("● 30 minutes. Do.", "●● 90 minutes. More.", "●●● Find out.")
    asked = "".join(f":::{{exercise-start}} A\n:::\n{one}\n\n" for one in exercises)
    text = "word " * 12_000 + f"\n{code}\n{asked}"
    (tmp_path / "notebooks" / "one.md").write_text(text)
    monkeypatch.setattr(front, "REPOSITORY", tmp_path)
    monkeypatch.setattr(front, "names", lambda: ["one"])
    said = front.hours()
    assert "about 2 hours of reading" in said
    assert "3 exercises; the 2 that are not open research take about 2 hours" in said

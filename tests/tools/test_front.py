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
    text = "word " * 12_000 + f"\n{code}\n● 30 minutes. Do.\n●● 90 minutes. More.\n"
    (tmp_path / "notebooks" / "one.md").write_text(text)
    monkeypatch.setattr(front, "REPOSITORY", tmp_path)
    monkeypatch.setattr(front, "names", lambda: ["one"])
    assert (
        "about 2 hours of reading" in front.hours()
        and "2 exercises of about 2 hours" in front.hours()
    )

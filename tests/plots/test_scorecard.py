"""The scorecard's picture: a mark for each statement, told in words, too."""

import pandas as pd
import pytest

import kit
from kit.experiments import claims


def test_each_statement_is_a_mark_where_it_belongs(shown):
    statements = pd.DataFrame(
        [
            ("UNSIR", "rest", "partly"),
            ("UNSIR", "rest", "reproduced"),
            ("ERwP", "speed", "not run"),
        ],
        columns=["paper", "about", "verdict"],
    )
    kit.plots.findings(statements, claims.ABOUT, list(claims.VERDICTS))
    assert "A mark for each of 3 statements" in shown[-1]
    assert "UNSIR, accuracy on the rest: 1 reproduced, 1 partly" in shown[-1]
    assert "ERwP, speed: 1 not run" in shown[-1] and "ERwP, accuracy" not in shown[-1]


def test_all_papers_of_the_scorecard_are_in_the_picture(shown):
    statements = claims.statements(claims.scorecard())
    kit.plots.findings(statements, claims.ABOUT, list(claims.VERDICTS))
    assert all(paper in shown[-1] for paper in statements["paper"])


def test_a_papers_numbers_beside_ours(monkeypatch):
    displayed = []
    monkeypatch.setattr("kit.plots.page.display", displayed.append)
    kit.plots.beside("mixed-forget-error", "unsir-fisher")
    page, below = displayed[0].to_html(), displayed[1].data
    assert "Error on the forgotten images is that of retraining" in page and "times" in page
    assert "core of 2,000 images" in below and "95 % interval" in below


def test_three_numbers_in_per_cent_are_drawn_as_well(shown, monkeypatch):
    for below in ("table", "say"):
        monkeypatch.setattr(f"kit.plots.scorecard.{below}", lambda *_: None)
    kit.plots.beside("mixed-fig1-caltech")
    (alt,) = shown
    for claim in claims.load():
        if claim.id.startswith("mixed-fig1-caltech"):
            assert f"{claim.text}: {100 * claim.claimed:.1f} in the paper, " in alt


def test_numbers_of_claims_that_are_not_there():
    with pytest.raises(ValueError, match="no claim that was run starts with elephants"):
        kit.plots.beside("elephants")
    with pytest.raises(ValueError, match="no claim that was run starts with mixed-passes"):
        kit.plots.beside("mixed-passes")

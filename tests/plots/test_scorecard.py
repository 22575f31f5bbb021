"""The scorecard's picture: a mark for each statement, told in words, too."""

import pandas as pd

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

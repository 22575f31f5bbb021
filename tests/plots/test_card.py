"""The audit card."""

import pytest

import kit


def test_card(original, retrained, task, capsys):
    row = kit.evaluate(original, task, reference=retrained)
    kit.plots.card(row, row, row, title="original")
    with pytest.raises(ValueError, match="share no metric"):
        kit.plots.card({}, row)


def test_the_card_names_its_lines_and_both_models(shown):
    row = {"forget_accuracy": 0.5, "probe_forget": 0.75, "unknown": 1.0}
    kit.plots.card(row, {"forget_accuracy": 0.0, "probe_forget": 0.25}, row, title="UNSIR")
    assert shown == [
        "Audit card of UNSIR: forget accuracy 0.50, retrained 0.00; linear probe 0.75, "
        "retrained 0.25."
    ]

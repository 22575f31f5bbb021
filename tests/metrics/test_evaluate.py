"""One row of all audits: each equals its parts, and nothing is changed."""

import copy

import pytest
import torch
from sklearn.metrics import accuracy_score

import kit


def test_evaluate_changes_nothing(original, retrained, task):
    before = copy.deepcopy(original.state_dict())
    original.train()
    state = torch.get_rng_state()
    row = kit.evaluate(original, task, reference=retrained, original=original, audits="full")
    assert original.training
    original.eval()
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(v, original.state_dict()[k]) for k, v in before.items())
    assert all(isinstance(v, (int, float)) for v in row.values())
    assert row["distance_original"] == 0 and row["relearn_steps"] == 0


def test_evaluate_equals_its_parts(original, retrained, task):
    row = kit.evaluate(original, task, reference=retrained)
    forget, retain = (
        kit.predict(original, task.test_forget),
        kit.predict(original, task.test_retain),
    )
    assert row["forget_accuracy"] == accuracy_score(task.test_forget.y, forget.argmax(1))
    assert row["retain_accuracy"] == pytest.approx(
        accuracy_score(task.test_retain.y, retain.argmax(1)), abs=1e-6
    )
    everything = kit.predict(original, task.test).argmax(1)
    assert row["test_accuracy"] == pytest.approx(accuracy_score(task.test.y, everything), abs=1e-6)
    again = kit.evaluate(original, task, reference=original)
    assert again["forget_agreement"] == 1 and again["forget_total_variation"] == 0


@pytest.mark.slow
def test_evaluate_takes_the_reference_row_as_measured(original, retrained, task):
    options = {"reference": retrained, "original": original, "audits": "full"}
    reference = kit.evaluate(retrained, task, **options)
    measured = kit.evaluate(original, task, **options)
    given = kit.evaluate(original, task, **options, reference_row=reference)
    assert measured["relearn_steps_reference"] == reference["relearn_steps"]
    assert repr(measured) == repr(given)  # NaN included


def test_full_audits_of_samples_and_classes(original, retrained, task):
    """Every number is there, within its range; what needs a forgotten class is left out else."""
    full = {"reference": retrained, "original": original, "audits": "full"}
    row = kit.evaluate(original, task, **full)
    shares = ("_accuracy", "_recall", "_forget", "_retain", "_rate", "agreement", "leak", "shot_")
    for name, value in row.items():
        if any(part in name for part in shares) and not name.startswith("distance"):
            assert 0 <= value <= 1, name
    assert row["cka_original"] == pytest.approx(1) and row["idi"] == pytest.approx(1)
    assert row["tug_of_war"] < 0.6 < row["average_gap"] + 0.6

    samples = kit.tasks.forget_samples(task.data, list(range(10)))
    row = kit.evaluate(original, samples, **full)
    assert "membership_auc" in row and "tug_of_war" in row
    assert "relearn_steps" not in row and "probe_forget" not in row


def test_a_broken_model_gets_no_row(original, task):
    broken = copy.deepcopy(original)
    with torch.no_grad():
        broken.head.weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="NaN"):
        kit.evaluate(broken, task)


def test_a_ruined_model_is_flagged(original, retrained, task):
    ruined = copy.deepcopy(original)
    with torch.no_grad():
        ruined.head.bias[1] = 100.0  # every image is of the forgotten class
    row = kit.evaluate(ruined, task, reference=retrained)
    assert row["retain_accuracy"] == 0 and row["collapsed"] == 1
    assert kit.evaluate(original, task, reference=retrained)["collapsed"] == 0


def test_evaluate_refuses(original, task):
    with pytest.raises(ValueError, match="fast, gap, features, relearn, comparison, full"):
        kit.evaluate(original, task, audits="some")
    with pytest.raises(ValueError, match="reference="):
        kit.evaluate(original, task, audits="full")

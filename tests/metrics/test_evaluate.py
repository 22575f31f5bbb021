"""One row of all audits: each equals its parts, and nothing is changed."""

import copy
import math

import pytest
import torch
from sklearn.metrics import accuracy_score

import kit
from kit.metrics import audits


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
    known = [kit.metrics.features(model, task.forget) for model in (original, retrained)]
    assert kit.metrics.linear_cka(*known) == pytest.approx(row["cka_reference"])
    assert row["cka_reference"] < 0.99

    samples = kit.tasks.forget_samples(task.data, list(range(10)))
    row = kit.evaluate(original, samples, **full)
    assert "membership_auc" in row and "tug_of_war" in row
    assert "relearn_steps" not in row and "probe_forget" not in row


def test_folded_numbers_equal_their_parts(original, retrained, task):
    """Of a model that knows half of the class: test accuracy there must not enter."""
    half = copy.deepcopy(original)
    said = kit.predict(half, task.test_forget)
    others = said.index_fill(1, torch.tensor(1), -torch.inf).amax(1)
    with torch.no_grad():
        half.head.bias[1] -= (said[:, 1] - others).median()
    row = kit.evaluate(half, task, reference=retrained, original=original, audits="gap")
    assert 0.2 < row["forget_accuracy"] < 0.8

    def differences(*splits):
        for split in splits:
            ours, theirs = (accuracy_score(split.y, kit.predict(m, split).argmax(1))
                            for m in (half, retrained))  # fmt: skip
            yield abs(ours - theirs)

    parts = list(differences(task.forget, task.retain, task.test_retain))
    assert row["tug_of_war"] == pytest.approx(math.prod(1 - part for part in parts), abs=1e-6)
    rates = [kit.metrics.svm_nonmember_rate(m, task) for m in (half, retrained)]
    gaps = [*parts, abs(rates[0] - rates[1])]
    assert row["average_gap"] == pytest.approx(sum(gaps) / 4, abs=1e-6)


def test_relearning_has_reached_95_per_cent_of_the_originals_accuracy(
    original, retrained, task, monkeypatch
):
    monkeypatch.setattr(audits, "relearn_steps", lambda model, task, goal, **options: goal)
    for first in (original, retrained):
        said = kit.predict(first, task.test_forget).argmax(1)
        row = audits.comparison(retrained, task, first, seed=0)
        assert row["relearn_steps"] == 0.95 * accuracy_score(task.test_forget.y, said)


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

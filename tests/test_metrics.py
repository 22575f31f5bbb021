"""Metrics against values worked out by hand, and against scikit-learn and SciPy."""

import copy
import math

import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics import accuracy_score

import kit
from kit import metrics
from tests.conftest import TOY_RECIPE

LOGITS = torch.tensor([[2.0, 1, 0], [0, 3, 1], [1, 0, 5], [0, 2, 1]])  # argmax 0, 1, 2, 1
LABELS = torch.tensor([0, 1, 0, 2])


def test_accuracy():
    assert metrics.accuracy(LOGITS, LABELS) == 0.5
    assert metrics.accuracy(LOGITS, LABELS) == accuracy_score(LABELS, LOGITS.argmax(1))
    assert metrics.per_class_accuracy(LOGITS, LABELS) == {0: 0.5, 1: 1.0, 2: 0.0}


def test_accuracy_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="no images"):
        metrics.accuracy(LOGITS[:0], LABELS[:0])
    with pytest.raises(ValueError, match="NaN"):
        metrics.accuracy(LOGITS * math.nan, LABELS)
    with pytest.raises(ValueError, match="labels"):
        metrics.accuracy(LOGITS, LABELS[:2])


def test_prediction_distribution():
    shares = metrics.prediction_distribution(LOGITS)
    assert shares.tolist() == [0.25, 0.5, 0.25]
    # Entropy 1.5 bits of at most log2(3).
    assert metrics.prediction_entropy(shares) == pytest.approx(1.5 / math.log2(3), abs=1e-6)
    assert metrics.prediction_entropy(shares) == pytest.approx(entropy(shares) / math.log(3), 1e-6)
    assert metrics.prediction_entropy(torch.tensor([0.0, 1.0, 0.0])) == 0
    assert metrics.prediction_entropy(torch.full((4,), 0.25)) == pytest.approx(1)


def test_total_variation_and_agreement():
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.25, 0.5])
    assert metrics.total_variation(p, q) == 0.5
    assert metrics.total_variation(p, p) == 0
    assert metrics.agreement(LOGITS, LOGITS[[0, 1, 1, 3]]) == 0.75
    with pytest.raises(ValueError, match="different shapes"):
        metrics.agreement(LOGITS, LOGITS[:2])


def test_weight_distance(original):
    other = copy.deepcopy(original)
    with torch.no_grad():
        other.head.weight[0, 0] += 3
        other.head.bias[0] += 4
        other.conv.weight[0, 0, 0, 0] += 12
    layers = metrics.layer_distances(other, original)
    assert layers["head"] == pytest.approx(5, abs=1e-5)  # 3-4-5
    assert layers["conv"] == pytest.approx(12, abs=1e-5)
    assert sum(d > 0 for d in layers.values()) == 2
    assert metrics.weight_distance(other, original) == pytest.approx(13, abs=1e-5)  # 5-12-13
    size = sum(p.square().sum() for p in original.head.parameters()).sqrt().item()
    relative = metrics.layer_distances(other, original, relative=True)
    assert relative["head"] == pytest.approx(5 / size, abs=1e-5)


def test_distance_needs_one_architecture(original, task):
    with pytest.raises(ValueError, match="different architectures"):
        metrics.weight_distance(original, kit.models.build("resnet8", task, width=4))


def test_relearning_counts_steps(original, retrained, task):
    assert metrics.relearn_steps(original, task, goal=0.9) == 0
    steps = metrics.relearn_steps(retrained, task, goal=0.9, lr=1e-2, max_epochs=20)
    assert 0 < steps < math.inf
    assert steps == metrics.relearn_steps(retrained, task, goal=0.9, lr=1e-2, max_epochs=20)
    assert metrics.relearn_steps(retrained, task, goal=1.1, max_epochs=1) == math.inf
    epochs = metrics.relearn_epochs(retrained, task, goal=0.9, lr=1e-2, samples=100)
    assert epochs == int(epochs) and 0 < epochs < 100
    assert metrics.relearn_epochs(retrained, task, goal=1.1, samples=100, max_epochs=2) == math.inf


def test_prototypes_look_behind_the_last_layer(original, task):
    """A mask passes by accuracy and by relearn time; the features are still the original's."""
    masked = kit.unlearn("logit_mask", original, task).model
    assert kit.evaluate(masked, task)["forget_accuracy"] == 0
    assert metrics.relearn_steps(masked, task, goal=0.9, max_epochs=2) == math.inf
    assert metrics.prototype_recall(masked, task) == metrics.prototype_recall(original, task) > 0.9


def test_prototype_recall_by_hand(task):
    """Features that are two numbers: the nearest of four known means."""

    class Corners(torch.nn.Module):
        def features(self, x):  # brightness of the top minus bottom half, left minus right half
            halves = x[:, :, :6] - x[:, :, 6:], x[..., :6] - x[..., 6:]
            return torch.stack([h.mean((1, 2, 3)) for h in halves], 1)

    assert metrics.prototype_recall(Corners(), task) == 1.0
    with pytest.raises(ValueError, match="no features"):
        metrics.prototype_recall(torch.nn.Linear(1, 1), task)
    with pytest.raises(ValueError, match="forgets samples"):
        metrics.prototype_recall(Corners(), kit.tasks.forget_samples(task.data, [0]))


def test_anamnesis_index():
    assert metrics.anamnesis_index(5, 10) == 0.5
    assert metrics.anamnesis_index(math.inf, 10) == math.inf
    assert metrics.anamnesis_index(5, math.inf) == 0
    assert metrics.anamnesis_index(5, 0) == math.inf
    assert math.isnan(metrics.anamnesis_index(0, 0))
    assert math.isnan(metrics.anamnesis_index(math.inf, math.inf))


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


EMPTY, BROKEN = torch.zeros(0, 4), torch.full((5, 4), torch.nan)


@pytest.mark.parametrize(
    "audit",
    [
        lambda x, y: kit.metrics.accuracy(x, y),
        lambda x, y: kit.metrics.per_class_accuracy(x, y),
        lambda x, y: kit.metrics.prediction_distribution(x),
        lambda x, y: kit.metrics.agreement(x, x),
        lambda x, y: kit.metrics.js_divergence(x, x),
        lambda x, y: kit.metrics.js_lineage(x, x),
        lambda x, y: kit.metrics.activation_distance(x, x),
        lambda x, y: kit.metrics.linear_cka(x, x),
        lambda x, y: kit.metrics.Attack(x.flatten(), torch.zeros(3)),
        lambda x, y: kit.metrics.Attack(torch.zeros(3), x.flatten()),
        lambda x, y: kit.metrics.threshold_attack(x.flatten(), torch.zeros(3)),
    ],
)
def test_audits_of_nothing_or_of_nan_are_refused(audit):
    """A mean over no images, or an argmax of NaN, would read 0: the best value of many an audit."""
    with pytest.raises(ValueError, match="no images|at least 4"):
        audit(EMPTY, torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match="NaN"):
        audit(BROKEN, torch.tensor([0, 1, 2, 3, 0]))


def test_gaps_to_nan_or_to_nothing_are_refused():
    for gap in (kit.metrics.average_gap, kit.metrics.tug_of_war):
        with pytest.raises(ValueError, match="is NaN"):
            gap({"accuracy": torch.nan}, {"accuracy": 0.5})
        with pytest.raises(ValueError, match="is NaN"):
            gap({"accuracy": 0.5}, {"accuracy": torch.nan})
        with pytest.raises(ValueError, match="same metrics"):
            gap({"accuracy": 0.5}, {"recall": 0.5})
        with pytest.raises(ValueError, match="same metrics"):
            gap({}, {})


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


def test_grad_cam(original, task):
    from kit.metrics.inside.gradcam import grad_cam

    x = task.test_forget.inputs()[:3]
    maps = grad_cam(original, x, target=1)
    assert maps.shape == (3, 12, 12) and maps.min() >= 0 and maps.max() <= 1
    # Class 1 is the bright quadrant at the top right; the evidence lies there.
    assert maps[:, :6, 6:].mean() > maps[:, 6:, :6].mean()
    with pytest.raises(ValueError, match="0..3"):
        grad_cam(original, x, target=4)
    with pytest.raises(ValueError, match="stage1"):
        grad_cam(original, x, target=1, stage="stage9")


def test_predict_is_exact_under_batching(original, task):
    whole = kit.predict(original, task.test)
    parts = kit.predict(original, task.test, batch_size=7)
    assert torch.allclose(whole, parts, atol=1e-5)
    assert TOY_RECIPE.bf16 is False

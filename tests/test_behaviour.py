"""Distances between the answers of two models, and what is folded from accuracies."""

import math

import pytest
import torch
from scipy.spatial.distance import jensenshannon

import kit
from kit import metrics

P = torch.tensor([[0.7, 0.2, 0.1]])
Q = torch.tensor([[0.1, 0.2, 0.7]])


def test_activation_distance():
    assert metrics.activation_distance(P.log(), Q.log()) == pytest.approx(0.8485, abs=1e-4)
    near = torch.tensor([[0.5, 0.3, 0.2]])
    assert metrics.activation_distance(P.log(), near.log()) == pytest.approx(0.24495, abs=1e-5)
    assert metrics.activation_distance(P.log(), P.log()) == 0
    with pytest.raises(ValueError, match="different shapes"):
        metrics.activation_distance(P, Q[:, :2])


def test_js_divergence():
    assert metrics.js_divergence(P.log(), Q.log()) == pytest.approx(0.2531, abs=1e-4)
    assert metrics.js_divergence(P.log(), P.log()) == pytest.approx(0, abs=1e-12)
    apart = torch.tensor([[200.0, 0]]), torch.tensor([[0.0, 200]])  # one-hot after the softmax
    assert metrics.js_divergence(*apart) == pytest.approx(math.log(2), abs=1e-6)
    assert metrics.js_lineage(P.log(), Q.log()) == pytest.approx(0.1102, abs=1e-4)


def test_js_divergence_equals_scipy():
    a, b = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0)).double()
    theirs = jensenshannon(a.softmax(1).numpy(), b.softmax(1).numpy(), axis=1) ** 2
    assert metrics.js_divergence(a, b) == pytest.approx(theirs.mean(), abs=1e-6)


def test_zrf(original, task):
    value = metrics.zrf(original, task.test_forget)
    assert 1 - math.log(2) <= value <= 1
    random = original.rebuild(0)
    assert metrics.zrf(random, task.test_forget, random_models=1) == pytest.approx(1)
    with pytest.raises(ValueError, match="built anew"):
        metrics.zrf(torch.nn.Linear(1, 1), task.test_forget)


def test_streisand():
    assert metrics.streisand(4.0, [1.0, 2.0, 3.0]) == 2.0
    with pytest.raises(ValueError, match="at least 3"):
        metrics.streisand(4.0, [1.0, 2.0])


def test_average_gap():
    names = ["forget", "retain", "test", "attack"]
    ours = dict(zip(names, [7, 99, 93, 20], strict=True))
    theirs = dict(zip(names, [5, 100, 94, 13], strict=True))
    assert metrics.average_gap(ours, theirs) == 2.75
    ours = dict(zip(names, [100, 99.5, 93, 100], strict=True))
    theirs = dict(zip(names, [100, 100, 94.5, 100], strict=True))
    assert metrics.average_gap(ours, theirs) == 0.5
    with pytest.raises(ValueError, match="same metrics"):
        metrics.average_gap(ours, {"forget": 1.0})


def test_tug_of_war():
    ours, theirs = {"a": 0.1, "b": 0.52, "c": 0.95}, {"a": 0.0, "b": 0.5, "c": 0.9}
    assert metrics.tug_of_war(ours, theirs) == pytest.approx(0.8379)
    assert metrics.tug_of_war(ours, ours) == 1
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        metrics.tug_of_war({"a": 93.0}, {"a": 94.0})


def test_cka_by_hand():
    x = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    assert metrics.linear_cka(x, x * torch.tensor([2.0, 1])) == pytest.approx(5 / 34**0.5, abs=1e-6)
    assert metrics.linear_cka(x, x[:, :1]) == pytest.approx(0.5**0.5, abs=1e-6)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    assert metrics.linear_cka(x, 3 * x @ turn) == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="same for all"):
        metrics.linear_cka(x, torch.ones(4, 2))


def test_unbiased_cka_is_zero_for_unrelated_features():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 100, 50, generator=generator)
    assert metrics.linear_cka(x, y) > 0.3  # too few images for the width
    assert abs(metrics.linear_cka(x, y, unbiased=True)) < 0.05
    assert metrics.linear_cka(x, x, unbiased=True) == pytest.approx(1, abs=1e-9)
    many = torch.randn(2, 5000, 20, generator=generator)
    assert metrics.linear_cka(*many) < 0.2


def test_features_of_all_stages(original, task):
    parts = metrics.stage_features(original, task.test)
    assert list(parts) == original.stages
    assert all(len(p) == len(task.test) for p in parts.values())
    assert torch.allclose(parts[original.stages[-1]], metrics.features(original, task.test))


def test_linear_probe_and_its_control(original, task):
    probe = metrics.linear_probe(original, task, per_class=40)
    assert probe["forget"] > 0.9 and probe["retain"] > 0.9
    control = metrics.linear_probe(original, task, per_class=40, shuffled=True)
    assert abs(control["retain"] - 0.25) < 0.25  # four classes
    masked = kit.unlearn("logit_mask", original, task).model
    assert metrics.linear_probe(masked, task, per_class=40) == probe


def test_linear_probe_equals_scikit_learn(original, task):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sample = task.train.per_class(40, 0)
    pipeline = make_pipeline(
        StandardScaler(), LogisticRegression(C=1 / (1e-3 * len(sample)), max_iter=500)
    ).fit(metrics.features(original, sample), sample.y)
    theirs = pipeline.score(metrics.features(original, task.test_forget), task.test_forget.y)
    ours = metrics.linear_probe(original, task, per_class=40)["forget"]
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_fresh_head_undoes_the_mask(original, task):
    masked = kit.unlearn("logit_mask", original, task).model
    assert metrics.head_recovery(masked, task) == metrics.head_recovery(original, task)
    assert metrics.head_recovery(masked, task)["forget"] > 0.9


def test_information(original, retrained, task):
    known = [metrics.stage_information(m, task, count=40) for m in (original, retrained)]
    assert all(0 <= v <= math.log(2) + 1e-6 for one in known for v in one.values())
    assert list(known[0]) == original.stages
    ours, theirs = {"a": 0.4, "b": 0.6}, {"a": 0.2, "b": 0.3}
    index = metrics.information_difference_index
    assert index(theirs, theirs, ours) == 0
    assert index(ours, theirs, ours) == 1
    assert index({"a": 0.3, "b": 0.3}, theirs, ours) == pytest.approx(0.2)
    assert math.isnan(index(ours, ours, ours))


def test_relearning_curve(original, retrained, task):
    curve = metrics.relearn_curve(retrained, task, shots=(1, 20), steps=5, lr=1e-2)
    assert list(curve) == [0, 1, 20] and curve[0] == 0
    assert metrics.relearn_curve(original, task, shots=(5,), steps=5)[5] > 0.9


def test_card(original, retrained, task, capsys):
    row = kit.evaluate(original, task, reference=retrained)
    metrics.card(row, row, row, title="original")
    with pytest.raises(ValueError, match="share no metric"):
        metrics.card({}, row)

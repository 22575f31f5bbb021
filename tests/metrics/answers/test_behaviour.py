"""Distances between the answers of two models."""

import math

import pytest
import torch
from scipy.spatial.distance import jensenshannon

from kit import metrics
from kit.metrics.answers.behaviour import ZRF_SEED
from kit.training import predict

P = torch.tensor([[0.7, 0.2, 0.1]])


Q = torch.tensor([[0.1, 0.2, 0.7]])


def test_activation_distance():
    assert metrics.activation_distance(P.log(), Q.log()) == pytest.approx(0.8485, abs=1e-4)
    near = torch.tensor([[0.5, 0.3, 0.2]])
    assert metrics.activation_distance(P.log(), near.log()) == pytest.approx(0.24495, abs=1e-5)
    assert metrics.activation_distance(P.log(), P.log()) == 0
    one = torch.tensor([[0.7, 0.2, 0.1]]).log(), torch.tensor([[0.5, 0.3, 0.2]]).log()
    assert metrics.activation_distance(*one, norm=1) == pytest.approx(0.4, abs=1e-6)
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
    random = original.rebuild(ZRF_SEED)
    assert metrics.zrf(random, task.test_forget, random_models=1) == pytest.approx(1)
    said = (predict(net, task.test_forget) for net in (original, random))
    once = metrics.zrf(original, task.test_forget, random_models=1)
    assert once == pytest.approx(1 - metrics.js_divergence(*said)) and once < 1


def test_zrf_does_not_compare_with_the_teacher_of_a_run(original, task):
    teacher = original.rebuild(1)  # bad_teacher's with seed 0
    assert metrics.zrf(teacher, task.test_forget) < 1 - 1e-4
    for n in range(5):
        fresh = original.rebuild(n)
        assert metrics.zrf(fresh, task.test_forget, random_models=1) < 1 - 1e-4
    with pytest.raises(ValueError, match="with fresh weights is needed"):
        metrics.zrf(torch.nn.Linear(1, 1), task.test_forget)


def test_streisand():
    assert metrics.streisand(4.0, [1.0, 2.0, 3.0]) == 2.0
    with pytest.raises(ValueError, match="at least 3"):
        metrics.streisand(4.0, [1.0, 2.0])
    with pytest.raises(ValueError, match="no spread to measure by"):
        metrics.streisand(4.0, [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="NaN"):
        metrics.streisand(math.nan, [1.0, 2.0, 3.0])

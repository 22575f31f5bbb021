"""The competition's score: worked values and nulls."""

import pytest
import torch

from kit.metrics.many import forgetting_score as challenge


def test_epsilon_by_hand():
    for fpr, fnr, value in ((0.1, 0.1, 2.1972), (0.05, 0.4, 2.4849), (0.3, 0.6, 0.2877)):
        assert challenge.epsilon(fpr, fnr).item() == pytest.approx(value, abs=1e-3)
    assert challenge.epsilon(0.5, 0.5).item() == 0
    assert challenge.epsilon(0.0, 0.0).item() == float("inf")
    assert challenge.epsilon(0.0, 0.3).item() == -float("inf")  # too few models to tell: dropped


def test_image_score_by_hand():
    for eps, value in ((0.49, 1), (0.5, 0.5), (1.2, 0.25), (2.1972, 0.0625), (6.9, 2.0**-13)):
        assert challenge.image_score(eps, 512) == value
    assert challenge.image_score(7.0, 512) == 0
    mean = (1 + 0.5 + 0.25 + 0.0625) / 4
    score = challenge.competition_score(mean, (0.98, 1.0), (0.90, 0.92))
    assert score == pytest.approx(0.4344, abs=1e-4)


def test_forgetting_score_sees_what_differs():
    ours, theirs = torch.randn(2, 100, 40, generator=torch.Generator().manual_seed(0))
    same = challenge.forgetting_score(ours, theirs)
    assert challenge.forgetting_score(ours + 1, theirs) < same
    assert challenge.forgetting_score(ours + 100, theirs) == 0
    assert challenge.epsilon_of_image(ours[:, 0] * 1e-3, theirs[:, 0]) == challenge.CAP
    # A narrower distribution around the same middle escapes single thresholds, not intervals.
    narrow = 0.2 * ours[:, 0]
    single = challenge.epsilon_of_image(narrow, theirs[:, 0], rules="single")
    assert challenge.epsilon_of_image(narrow, theirs[:, 0]) >= single
    with pytest.raises(ValueError, match="as many models"):
        challenge.forgetting_score(ours, theirs[:50])


def test_broken_models_are_named():
    """One infinite margin would make every image easy to tell, one NaN every rule void."""
    good = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    for value, kind in ((torch.nan, "NaN"), (torch.inf, "infinite")):
        broken = good.clone()
        broken[1, 2] = value
        for pair in ((broken, good), (good, broken)):
            with pytest.raises(ValueError, match=rf"models \[1\] contain {kind}"):
                challenge.forgetting_score(*pair)
    with pytest.raises(ValueError, match="no images"):
        challenge.forgetting_score(good[:, :0], good[:, :0])
    with pytest.raises(ValueError, match="models must be at least 2"):
        challenge.image_score(1.0, 1)
    with pytest.raises(ValueError, match="test_of_retrained must be positive"):
        challenge.competition_score(1.0, (1.0, 1.0), (1.0, 0.0))


def test_forgetting_score_null():
    """Where nothing differs, the best single threshold still finds epsilon 1.1."""
    for models in (20, 100):
        assert challenge.null(models, rules="single")["epsilon"] == pytest.approx(1.1, rel=0.1)
    assert challenge.null(100, rules="single")["score"] == pytest.approx(0.38, rel=0.1)

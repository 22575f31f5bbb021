"""Attacks on one model."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import norm

import kit
from kit.datasets.split import same_mix
from kit.metrics.membership import attacks


class Knows(torch.nn.Module):
    """Sure of the labels of some images, undecided on all others."""

    def __init__(self, split):
        super().__init__()
        self.images, self.labels = split.inputs(), F.one_hot(split.y, split.num_classes).float()

    def forward(self, x):
        same = (x[:, None] == self.images).flatten(2).all(2)
        return 10 * same.float() @ self.labels


def test_threshold_attack():
    generator = torch.Generator().manual_seed(1)
    inside, outside = torch.randn(2, 4000, generator=generator)
    assert abs(kit.metrics.threshold_attack(inside, outside) - 0.5) < 0.03
    shifted = kit.metrics.threshold_attack(inside + 2, outside)
    assert shifted == pytest.approx(norm.cdf(1), abs=0.02)  # the best threshold lies midway
    # Classes on different levels: one threshold for all is poor, one a class is as good as before.
    y = torch.arange(4000) % 4
    level = 10.0 * y
    overall = kit.metrics.threshold_attack(inside + 2 + level, outside + level)
    per_class = kit.metrics.threshold_attack(inside + 2 + level, outside + level, labels=(y, y))
    assert overall < 0.65 and per_class == pytest.approx(norm.cdf(1), abs=0.03)


def test_halves_of_too_few_scores_are_refused(original, task):
    one = torch.zeros(1)
    with pytest.raises(ValueError, match="too few members or non-members"):
        kit.metrics.threshold_attack(one, torch.zeros(50))
    alone = kit.tasks.forget_samples(task.data, [0])
    with pytest.raises(ValueError, match="too few members or non-members"):
        attacks.loss_attack_accuracy(original, alone)


def test_forget_attack_compares_like_with_like(original, task):
    assert attacks.forget_attack(original, task).auc == pytest.approx(0.5, abs=0.2)
    samples = kit.tasks.forget_samples(
        task.data, [0, 1, 2, 60, 61, 120]
    )  # classes 0, 0, 0, 1, 1, 2
    outside = same_mix(samples.test, samples.forget)
    assert torch.bincount(outside.y, minlength=4).tolist() == [20, 13, 7, 0]
    with pytest.raises(ValueError, match="no test image"):
        same_mix(task.test_retain, task.forget)
    with pytest.raises(ValueError, match=r"no test image of the forgotten classes \['1'\]"):
        attacks.forget_attack(original, replace(task, test=task.test_retain))
    with pytest.raises(ValueError, match="unknown score"):
        attacks.forget_attack(original, task, score="charm")


@pytest.mark.parametrize("score", attacks.SIGNALS)
def test_forget_attack_finds_the_images_that_a_model_knows(task, score):
    attack = attacks.forget_attack(Knows(task.forget), task, score=score)
    assert attack.auc == 1
    assert (len(attack.members), len(attack.nonmembers)) == (60, 20)  # trained on; of the test
    outside = attacks.forget_attack(Knows(task.test_forget), task, score=score)
    assert outside.auc == 0


def test_svm_attacks_on_models_that_know_what_they_should(task):
    """Who knows all training images knows the forgotten ones; who knows the retained does not."""
    for known, rate in ((task.train, 1.0), (task.retain, 0.0)):
        assert attacks.entropy_member_rate(Knows(known), task) == rate
        assert attacks.svm_nonmember_rate(Knows(known), task) == 1 - rate


def test_svm_attacks_learn_from_retained_classes_alone(original, task, monkeypatch):
    asked = []
    monkeypatch.setattr(
        attacks, "predict", lambda model, split: asked.append(split) or kit.predict(model, split)
    )
    attacks.svm_nonmember_rate(original, task)
    members, nonmembers, forgotten = asked
    assert (members.kind, nonmembers.kind, forgotten.kind) == ("retain", "test", "forget")
    assert len(members) == len(nonmembers) == 60
    assert members.y.unique().tolist() == nonmembers.y.unique().tolist() == [0, 2, 3]


def test_rates_of_the_svm_attacks(original, retrained, task):
    for model in (original, retrained):
        for rate in (attacks.svm_nonmember_rate, attacks.entropy_member_rate):
            assert 0 <= rate(model, task) <= 1
    # The retrained model gives the forgotten labels no confidence: all are non-members.
    assert attacks.svm_nonmember_rate(retrained, task) > 0.9
    assert abs(attacks.loss_attack_accuracy(original, task) - 0.5) < 0.2

"""The three accuracies under the paper's names."""

import pytest

import kit


def test_accuracies_under_the_papers_names(original, task):
    row = kit.evaluate(original, task, audits="features")
    named = kit.metrics.restricted_accuracies(original, task)
    assert named["forgetting_accuracy"] == row["forget_accuracy"]
    assert named["constraint_accuracy"] == row["retain_accuracy"]
    key = "forgetting_prototype_accuracy"
    assert named[key] == row[key] > 0.9 and row[f"{key}_cosine"] > 0.9
    masked = kit.unlearn("logit_mask", original, task).model
    assert kit.metrics.restricted_accuracies(masked, task)[key] == named[key]
    limited = kit.metrics.restricted_accuracies(original, task, known=task.train.per_class(3, 0))
    assert limited[key] > 0.8
    with pytest.raises(ValueError, match="forgets samples"):
        kit.metrics.restricted_accuracies(original, kit.tasks.forget_samples(task.data, [0]))

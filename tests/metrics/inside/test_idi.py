"""Information in every stage."""

import math

import pytest

import kit
from kit import metrics


def test_information(original, retrained, task):
    known = [metrics.stage_information(m, task, count=40) for m in (original, retrained)]
    assert all(0 <= v <= math.log(2) + 1e-6 for one in known for v in one.values())
    assert list(known[0]) == original.stages
    assert list(known[0].values())[-1] > 0.9 * math.log(2)  # the last stage tells the class apart
    ours, theirs = {"a": 0.4, "b": 0.6}, {"a": 0.2, "b": 0.3}
    index = metrics.information_difference_index
    assert index(theirs, theirs, ours) == 0
    assert index(ours, theirs, ours) == 1
    assert index({"a": 0.3, "b": 0.3}, theirs, ours) == pytest.approx(0.2)
    assert math.isnan(index(ours, ours, ours))
    with pytest.raises(ValueError, match="stages of other names"):
        index({"c": 0.3}, theirs, ours)
    with pytest.raises(ValueError, match="forgets samples"):
        metrics.stage_information(original, kit.tasks.forget_samples(task.data, [0]))

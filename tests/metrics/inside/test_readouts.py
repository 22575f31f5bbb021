"""Read-outs of user weights: the reference is at home."""

import pytest

from kit.metrics.inside.readouts import readouts, relearn_time
from kit.training import predict

pytestmark = pytest.mark.slow  # learning the user weights takes seconds


def test_readouts_of_the_reference_are_at_home(user_original, user_retrained, user_task):
    readout_parts = ("retain", "forget", "test")
    own = readouts(user_retrained, user_retrained, user_task)
    other = readouts(user_original, user_retrained, user_task)
    assert own["forget_l1_distance"] == 0 < other["forget_l1_distance"]
    parts = [f"{part}_{what}" for part in readout_parts for what in ("error", "l1_distance")]
    ours = predict(user_original, user_task.forget).double().softmax(1)
    theirs = predict(user_retrained, user_task.forget).double().softmax(1)
    by_hand = (ours - theirs).abs().sum(1).mean().item()  # L1, as in the paper's figure 3
    assert other["forget_l1_distance"] == pytest.approx(by_hand)
    assert set(own) == {*parts, "entropy_member_rate"}


def test_relearning_takes_the_retrained_model_longer(user_original, user_retrained, user_task):
    loss = user_original.loss(user_task.forget)
    known, unknown = (loss.misfit(m.user.detach()) for m in (user_original, user_retrained))
    goal = (known + unknown) / 2
    assert known < unknown
    assert relearn_time(user_original, user_task, goal) == 0
    assert 0 < relearn_time(user_retrained, user_task, goal) < float("inf")
    assert relearn_time(user_retrained, user_task, 0.0, max_steps=1) == float("inf")

"""Was it trained on this image? Scores, attacks on one model, attacks with shadow models."""

from kit.metrics.membership import lira, scores
from kit.metrics.membership.attacks import (
    SIGNALS,
    entropy_member_rate,
    forget_attack,
    loss_attack_accuracy,
    signal,
    svm_nonmember_rate,
    threshold_attack,
)
from kit.metrics.membership.lira import (
    exposure,
    population_attack,
    rmia,
    u_lira,
    u_lira_interval,
)
from kit.metrics.membership.roc import Attack

__all__ = [
    "SIGNALS", "Attack", "entropy_member_rate", "exposure", "forget_attack", "lira",
    "loss_attack_accuracy", "population_attack", "rmia", "scores", "signal", "svm_nonmember_rate",
    "threshold_attack", "u_lira", "u_lira_interval",
]  # fmt: skip

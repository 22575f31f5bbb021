"""What does it answer? Accuracy, behaviour beside other networks, and both in one number."""

from kit.metrics.answers.accuracy import (
    accuracy,
    agreement,
    per_class_accuracy,
    prediction_distribution,
    prediction_entropy,
    total_variation,
)
from kit.metrics.answers.aggregates import average_gap, tug_of_war
from kit.metrics.answers.behaviour import (
    activation_distance,
    js_divergence,
    js_lineage,
    streisand,
    zrf,
)

__all__ = [
    "accuracy", "activation_distance", "agreement", "average_gap", "js_divergence", "js_lineage",
    "per_class_accuracy", "prediction_distribution", "prediction_entropy", "streisand",
    "total_variation", "tug_of_war", "zrf",
]  # fmt: skip

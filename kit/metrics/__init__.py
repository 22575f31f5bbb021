"""Metrics: pure functions of logits, labels and models, and ``evaluate``, which calls them all."""

from kit.metrics.accuracy import (
    accuracy,
    agreement,
    per_class_accuracy,
    prediction_distribution,
    prediction_entropy,
    total_variation,
)
from kit.metrics.distance import layer_distances, weight_distance
from kit.metrics.evaluate import evaluate
from kit.metrics.probes import prototype_recall
from kit.metrics.relearn import anamnesis_index, relearn_epochs, relearn_steps

__all__ = [
    "accuracy",
    "agreement",
    "anamnesis_index",
    "evaluate",
    "layer_distances",
    "per_class_accuracy",
    "prediction_distribution",
    "prediction_entropy",
    "prototype_recall",
    "relearn_epochs",
    "relearn_steps",
    "total_variation",
    "weight_distance",
]

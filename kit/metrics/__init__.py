"""Metrics, attacks and audits, and ``evaluate``, which calls those that one model allows.

From predictions: ``accuracy``, ``behaviour``, ``aggregates``. Attacks: ``scores``, ``roc``,
``membership``, ``lira``. Inside the network: ``features``, ``probes``, ``cka``, ``idi``,
``distance``, ``relearn``, ``restricted``. Of a feature inside images: ``reliance``, ``leakage``,
``masks``. Of linearised networks: ``information``, ``readouts``.
From many models: ``klom``, ``forgetting_score``. How sure a number is: ``statistics``.
"""

from kit.metrics import forgetting_score, klom, membership, scores, statistics
from kit.metrics.accuracy import (
    accuracy,
    agreement,
    per_class_accuracy,
    prediction_distribution,
    prediction_entropy,
    total_variation,
)
from kit.metrics.aggregates import average_gap, tug_of_war
from kit.metrics.behaviour import (
    activation_distance,
    js_divergence,
    js_lineage,
    streisand,
    zrf,
)
from kit.metrics.card import card
from kit.metrics.cka import linear_cka
from kit.metrics.distance import layer_distances, weight_distance
from kit.metrics.evaluate import evaluate
from kit.metrics.evaluate_feature import evaluate_feature
from kit.metrics.features import features, stage_features
from kit.metrics.idi import information_difference_index, stage_information
from kit.metrics.leakage import hidden_probe, image_adversary, layer_leakage, mask_adversary
from kit.metrics.lira import exposure, population_attack, rmia, u_lira, u_lira_interval
from kit.metrics.masks import gradcam_share, mask_quality
from kit.metrics.membership import forget_attack, threshold_attack
from kit.metrics.probes import head_recovery, linear_probe, prototype_recall
from kit.metrics.relearn import (
    anamnesis_index,
    relearn_curve,
    relearn_epochs,
    relearn_steps,
    reliance_steps,
)
from kit.metrics.reliance import counterfactual, filtered, reliance_gap
from kit.metrics.restricted import restricted_accuracies
from kit.metrics.roc import Attack

__all__ = [
    "Attack",
    "accuracy",
    "activation_distance",
    "agreement",
    "anamnesis_index",
    "average_gap",
    "card",
    "counterfactual",
    "evaluate",
    "evaluate_feature",
    "exposure",
    "features",
    "filtered",
    "forget_attack",
    "forgetting_score",
    "gradcam_share",
    "head_recovery",
    "hidden_probe",
    "image_adversary",
    "information_difference_index",
    "js_divergence",
    "js_lineage",
    "klom",
    "layer_distances",
    "layer_leakage",
    "linear_cka",
    "linear_probe",
    "mask_adversary",
    "mask_quality",
    "membership",
    "per_class_accuracy",
    "population_attack",
    "prediction_distribution",
    "prediction_entropy",
    "prototype_recall",
    "relearn_curve",
    "relearn_epochs",
    "relearn_steps",
    "reliance_gap",
    "reliance_steps",
    "restricted_accuracies",
    "rmia",
    "scores",
    "stage_features",
    "stage_information",
    "statistics",
    "streisand",
    "threshold_attack",
    "total_variation",
    "tug_of_war",
    "u_lira",
    "u_lira_interval",
    "weight_distance",
    "zrf",
]

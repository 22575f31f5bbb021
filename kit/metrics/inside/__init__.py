"""What is left inside the network? Features, probes, distances, information."""

from kit.metrics.inside.cka import linear_cka
from kit.metrics.inside.distance import layer_distances, weight_distance
from kit.metrics.inside.features import features, stage_features
from kit.metrics.inside.gradcam import grad_cam
from kit.metrics.inside.idi import information_difference_index, stage_information
from kit.metrics.inside.masking import masking
from kit.metrics.inside.probes import head_recovery, linear_probe, prototype_recall
from kit.metrics.inside.restricted import restricted_accuracies

__all__ = [
    "features", "grad_cam", "head_recovery", "information_difference_index", "layer_distances",
    "linear_cka", "linear_probe", "masking", "prototype_recall", "restricted_accuracies",
    "stage_features", "stage_information", "weight_distance",
]  # fmt: skip

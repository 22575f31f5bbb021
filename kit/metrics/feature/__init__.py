"""Does a feature inside the images still count? Reliance, leakage, masks."""

from kit.metrics.feature.evaluate_feature import evaluate_feature
from kit.metrics.feature.leakage import (
    hidden_probe,
    image_adversary,
    layer_leakage,
    mask_adversary,
)
from kit.metrics.feature.masks import gradcam_share, mask_quality
from kit.metrics.feature.reliance import counterfactual, filtered, reliance_gap

__all__ = [
    "counterfactual", "evaluate_feature", "filtered", "gradcam_share", "hidden_probe",
    "image_adversary", "layer_leakage", "mask_adversary", "mask_quality", "reliance_gap",
]  # fmt: skip

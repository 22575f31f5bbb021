"""Requests to forget: of whole classes, of single images, of a feature inside the images."""

from kit.tasks.feature import FeatureTask, forget_feature
from kit.tasks.task import ForgetTask, forget_classes, forget_files, forget_samples, random_rows

__all__ = [
    "FeatureTask", "ForgetTask", "forget_classes", "forget_feature", "forget_files",
    "forget_samples", "random_rows",
]  # fmt: skip

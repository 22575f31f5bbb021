"""Experiments of kind "feature": as "one", but the request is a feature inside the images."""

from kit.datasets import ImageData
from kit.experiments.experiment import Experiment, Request
from kit.experiments.one import config, measure
from kit.tasks import forget_feature, random_rows

__all__ = ["config", "measure", "request"]


def request(experiment: Experiment, data: ImageData, classes: list[int]) -> Request:
    """The request of the experiment's table; with ``images`` on so many training images."""
    options = dict(experiment.feature)
    if "images" in options:
        options["within"] = random_rows(data, options.pop("images"), options.get("seed", 0))
    return Request.of(forget_feature(data, **options))

"""IDI: how much of what the layers knew about the forgotten classes is still in them."""

import math

import torch

from kit.metrics.inside.features import stage_features
from kit.metrics.inside.probes import needs_classes, probe_information
from kit.metrics.undefined import Undefined
from kit.models import Classifier
from kit.tasks import ForgetTask


def stage_information(
    model: Classifier, task: ForgetTask, *, count: int = 500, seed: int = 0
) -> dict[str, float]:
    """Nats about "is the image of a forgotten class?" that a linear probe reads off each stage.

    Stage name -> value in [0, log 2]; fitted on at most ``count`` forgotten and as many retained
    training images, judged on the test images.
    """
    needs_classes(task)
    generator = torch.Generator().manual_seed(seed)
    parts = [
        split.take(torch.randperm(len(split), generator=generator)[:count])
        for split in (task.forget, task.retain)
    ]
    fitted = [stage_features(model, split) for split in parts]
    judged = [stage_features(model, split) for split in (task.test_forget, task.test_retain)]
    asked = torch.arange(sum(map(len, parts))) < len(parts[0])
    truth = torch.arange(len(task.test)) < len(task.test_forget)
    return {
        stage: probe_information(
            torch.cat([part[stage] for part in fitted]), asked,
            torch.cat([part[stage] for part in judged]), truth,
        )
        for stage in model.stages
    }  # fmt: skip


def information_difference_index(
    ours: dict[str, float], retrained: dict[str, float], original: dict[str, float]
) -> float:
    """``sum_l (I_ours - I_retrained) / sum_l (I_original - I_retrained)`` over stages l.

    After Jeon et al. (arXiv:2405.17878), with the linear probe of ``stage_information`` in place of
    their trained InfoNCE critic. 0: as retrained; 1: as the original; below 0: over-erased. NaN
    where original and retrained do not differ.

    Raises
    ------
    ValueError
        networks whose stages have other names.
    """
    if not ours.keys() == retrained.keys() == original.keys():
        raise Undefined("the networks have stages of other names; IDI needs the same")
    known = sum(original[stage] - retrained[stage] for stage in original)
    if known <= 0:
        return math.nan
    return sum(ours[stage] - retrained[stage] for stage in original) / known

"""What every audit refuses."""

import pytest
import torch

import kit

EMPTY, BROKEN = torch.zeros(0, 4), torch.full((5, 4), torch.nan)


@pytest.mark.parametrize(
    "audit",
    [
        lambda x, y: kit.metrics.accuracy(x, y),
        lambda x, y: kit.metrics.per_class_accuracy(x, y),
        lambda x, y: kit.metrics.prediction_distribution(x),
        lambda x, y: kit.metrics.agreement(x, x),
        lambda x, y: kit.metrics.js_divergence(x, x),
        lambda x, y: kit.metrics.js_lineage(x, x),
        lambda x, y: kit.metrics.activation_distance(x, x),
        lambda x, y: kit.metrics.linear_cka(x, x),
        lambda x, y: kit.metrics.Attack(x.flatten(), torch.zeros(3)),
        lambda x, y: kit.metrics.Attack(torch.zeros(3), x.flatten()),
        lambda x, y: kit.metrics.threshold_attack(x.flatten(), torch.zeros(3)),
    ],
)
def test_audits_of_nothing_or_of_nan_are_refused(audit):
    """A mean over no images, or an argmax of NaN, would read 0: the best value of many an audit."""
    with pytest.raises(ValueError, match="no images|at least 4 images"):
        audit(EMPTY, torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match="NaN"):
        audit(BROKEN, torch.tensor([0, 1, 2, 3, 0]))

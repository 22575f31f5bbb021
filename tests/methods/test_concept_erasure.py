"""Erasure: nothing linear is left, and the head does it."""

import pytest
import torch

import kit
from kit.methods.concept_erasure import leace


def test_after_leace_a_linear_reader_is_as_good_as_a_constant():
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, 2, (3000, 1), generator=generator)
    features = torch.randn(3000, 12, generator=generator) @ torch.randn(12, 12, generator=generator)
    features[:, 3] += 2 * values[:, 0]
    features[:, 7] -= values[:, 0]
    features[:, 9] = 0.0  # a channel that never fires
    keep, shift = leace(features, values)
    erased = features.double() @ keep.T + shift
    centred = values.double() - values.double().mean()
    assert (erased.T @ centred / 3000).abs().max() < 1e-9
    design = torch.cat([erased, torch.ones(3000, 1, dtype=torch.float64)], 1)
    solution = torch.linalg.lstsq(design, values.double(), driver="gelsd").solution
    best = ((design @ solution - values) ** 2).mean()
    assert abs(best - (centred**2).mean()) < 1e-3
    torch.testing.assert_close(erased.mean(0), features.double().mean(0), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="do not match"):
        leace(features, values[:-1])


def test_erasure_is_part_of_the_head(feature_original, feature_task):
    model = kit.unlearn("concept_erasure", feature_original, feature_task).model
    seen = kit.metrics.features(feature_original, feature_task.train)
    keep, shift = leace(seen, feature_task.train_values)
    head = feature_original.head
    expected = (seen.double() @ keep.T + shift).float() @ head.weight.T + head.bias
    torch.testing.assert_close(
        kit.predict(model, feature_task.train), expected.detach(), atol=1e-3, rtol=1e-3
    )

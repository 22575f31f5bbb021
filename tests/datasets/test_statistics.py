"""What pixels are normalised by."""

import pytest
import torch

from kit.datasets import mapped
from kit.datasets.statistics import as_statistics, histograms, mean_and_std

IMAGES = torch.randint(0, 256, (9, 3, 5, 5), generator=torch.Generator().manual_seed(0)).byte()


def test_mean_and_deviation_of_each_channel(monkeypatch):
    monkeypatch.setattr(mapped, "CHUNK", 200)  # bytes: two images at a time
    counts = histograms(IMAGES)
    assert counts.shape == (3, 256) and (counts.sum(1) == 9 * 25).all()
    mean, std = mean_and_std(counts)
    values = IMAGES.double().transpose(0, 1).flatten(1) / 255
    assert mean.tolist() == pytest.approx(values.mean(1).tolist())
    assert std.tolist() == pytest.approx(values.std(1, correction=0).tolist())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0.5, "must be a mean and a standard deviation"),
        (([0.5] * 3,), "must be a mean and a standard deviation"),
        ((["a"] * 3, [1.0] * 3), "must be a mean and a standard deviation"),
        (([0.5], [0.5] * 3), r"need a mean for each of 3 channels, got \(1,\)"),
        (([0.5] * 3, 0.5), r"need a standard deviation for each of 3 channels, got \(\)"),
        (([123.7] * 3, [0.5] * 3), r"the mean must lie in \[0, 1\].* divide .* by 255"),
        (([0.5] * 3, [58.4] * 3), r"the standard deviation must lie in \[0, 1\]"),
        (([float("nan")] * 3, [0.5] * 3), r"the mean must lie in \[0, 1\]"),
        (([0.5] * 3, [0.5, 0, 0.5]), "a standard deviation must be above 0"),
    ],
)
def test_refuses(given, message):
    with pytest.raises(ValueError, match=message):
        as_statistics(given, 3)


def test_numbers_and_tensors():
    for given in (([0.5], (0.25,)), (torch.tensor([0.5]), torch.tensor([0.25]).double())):
        mean, std = as_statistics(given, 1)
        assert mean.tolist() == [0.5] and std.tolist() == [0.25] and std.dtype == torch.float32

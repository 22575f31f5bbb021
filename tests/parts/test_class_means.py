"""Class means of channels: by hand, and however the images are spread."""

import pytest
import torch

from kit.models.channels import convolutions_of
from kit.parts.class_means import class_means, pooled


def test_class_means_equal_a_forward_pass_by_hand(original, task):
    means = class_means(original, task.train)
    model, split = original.cpu(), task.train.of_classes([2])
    with torch.no_grad():
        by_hand = model.conv(split.inputs()).relu().mean((0, 2, 3))
    assert torch.allclose(means.means["conv"][2], by_hand, atol=1e-6)
    assert means.counts.tolist() == [60] * 4
    assert list(means.means) == [n for n, _ in convolutions_of(original).items()]
    assert means.bytes == 4 * (4 * sum(m.shape[1] for m in means.means.values()) + 4)


@pytest.mark.parametrize("seed", range(3))
def test_reports_weighted_by_counts_equal_the_means_of_all_images(original, task, seed):
    """For any split, with clients that hold no image of some class."""
    whole = class_means(original, task.train)
    order = torch.randperm(len(task.train), generator=torch.Generator().manual_seed(seed))
    parts = [task.train.take(p) for p in order.split([3, 50, 100, len(order) - 153])]
    reports = [class_means(original, part) for part in parts]
    assert (reports[0].counts == 0).any()
    together = pooled(reports)
    assert together.counts.equal(whole.counts)
    for name, mean in whole.means.items():
        assert torch.allclose(together.means[name], mean, atol=1e-6), name


def test_equal_weights_are_off_where_clients_lack_a_class(original, task):
    halves = [task.train.of_classes([0, 1]), task.train.of_classes([1, 2, 3])]
    reports = [class_means(original, half) for half in halves]
    whole = class_means(original, task.train).means["conv"]
    plain = pooled(reports, "equal").means["conv"]
    assert torch.allclose(plain[0], whole[0] / 2, atol=1e-6)  # a row of zeros was averaged in
    assert torch.allclose(plain[1], whole[1], atol=1e-6)
    with pytest.raises(ValueError, match="counts"):
        pooled(reports, "median")


def test_clipping_bounds_each_image(original, task):
    one = task.train.take(torch.tensor([0]))
    clipped = class_means(original, one, clip=0.1)
    assert all(m.norm() <= 0.1 + 1e-6 for m in clipped.means.values())

"""Groups of channels: planted ones are found."""

import pytest
import torch

from kit.parts import grouping


def test_group_loss_by_hand():
    similarity = torch.tensor([[2.0, 1.5, 0.5, 0.0], [1.5, 2.0, 1.0, 0.5], [0.5, 1.0, 2.0, 1.0],
                               [0.0, 0.5, 1.0, 2.0]])  # fmt: skip
    # groups {0, 1} and {2, 3}: inside 7 and 6; of rows 0 and 1 in all 9, of rows 2 and 3 in all 8
    loss = grouping.group_loss(similarity, torch.tensor([0, 0, 1, 1]))
    assert loss.item() == pytest.approx(-(7 / 9 + 6 / 8))


def test_similarity_of_equal_and_opposite_maps():
    maps = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    both = torch.cat([maps, maps, -maps], 1)
    expected = torch.tensor([[2.0, 2, 0], [2, 2, 0], [0, 0, 2]])
    torch.testing.assert_close(grouping.alike(both, torch.zeros(3, 4, 4)), expected)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_planted_groups_are_found(count):
    generator = torch.Generator().manual_seed(count)
    truth = torch.arange(count).repeat_interleave(6)
    sources = torch.randn(400, count, generator=generator)
    signals = sources[:, truth] + 0.3 * torch.randn(400, len(truth), generator=generator)
    similarity = torch.corrcoef(signals.T).clamp_min(0) + 0.01
    gaps = grouping.eigen_gaps(similarity)
    assert int(gaps.argmax()) + 1 == count
    groups = grouping.spectral_groups(similarity, count)
    pairs = (groups[:, None] == groups) == (truth[:, None] == truth)
    assert pairs.all()
    shuffled = torch.randperm(len(truth), generator=generator)  # the order of channels is nothing
    again = grouping.eigen_gaps(similarity[shuffled][:, shuffled])
    torch.testing.assert_close(again, gaps)


def test_grouping_refuses():
    with pytest.raises(ValueError, match="symmetric"):
        grouping.eigen_gaps(torch.tensor([[1.0, 0.5], [0.2, 1.0]]))
    with pytest.raises(ValueError, match="2 to 4 groups, not 9"):
        grouping.spectral_groups(torch.eye(4), 9)

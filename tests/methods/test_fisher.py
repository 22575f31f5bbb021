"""Fisher forgetting: its noise by hand, its surgery alone."""

import torch

import kit
from kit.methods import fisher


def test_fisher_noise_by_hand():
    information = torch.tensor([[1e-2, 1.0], [1e-9, 4.0]])
    paper = fisher.deviation(information, False, fisher.Config(variant="paper", alpha=1e-4))
    expected = (1e-4 * torch.tensor([[100.0, 1.0], [1000.0, 0.25]])) ** 0.25
    torch.testing.assert_close(paper, expected)
    code = fisher.deviation(information, False, fisher.Config(alpha=1e-4))
    expected = (1e-4 * torch.tensor([[50.5], [500.125]])) ** 0.5
    torch.testing.assert_close(code, expected, rtol=1e-4, atol=0)
    in_head = fisher.deviation(information, True, fisher.Config(alpha=1e-4))
    expected = (1e-4 * 10 * torch.tensor([[50.5], [50.125]])) ** 0.5
    torch.testing.assert_close(in_head, expected, rtol=1e-4, atol=0)


def test_noise_of_a_convolution_is_averaged_over_input_channels():
    """3 output and 2 input channels, 2 x 2 kernels: 1 / F is 4 and 2 for the two inputs, and 10 and
    30 at one place of one output."""
    information = torch.tensor([0.25, 0.5]).view(1, 2, 1, 1).repeat(3, 1, 2, 2)
    information[2, :, 1, 0] = torch.tensor([1 / 10, 1 / 30])
    spread = fisher.deviation(information, False, fisher.Config(alpha=1.0))
    expected = torch.full((3, 1, 2, 2), 3.0)
    expected[2, 0, 1, 0] = 20.0
    torch.testing.assert_close(spread.square(), expected)


def test_surgery_alone_redraws_the_class_and_nothing_else(original, task):
    out = kit.unlearn("fisher", original, task, alpha=0.0).model
    changed = [
        n for n, p in out.named_parameters() if not torch.equal(p, original.get_parameter(n))
    ]
    assert changed == ["head.weight", "head.bias"]
    others = [0, 2, 3]
    assert torch.equal(out.head.weight[others], original.head.weight[others])

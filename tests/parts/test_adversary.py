"""Values of attributes, packed into labels and back."""

import torch

from kit.parts.adversary import bits, codes


def test_codes_are_reversible():
    values = torch.randint(0, 2, (40, 3), generator=torch.Generator().manual_seed(0))
    assert torch.equal(bits(codes(values), 3), values.float())

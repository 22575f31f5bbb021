"""The bad teacher: its loss by hand."""

import torch
import torch.nn.functional as F

from kit.methods import bad_teacher


def test_bad_teacher_does_not_count_classes(original, task):
    """Twice as many classes, of which half are impossible, leave the loss as it was."""
    logits = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0))
    asked = torch.tensor([0, 1, 0, 1, 1, 0])
    wide = F.pad(logits, (0, 4), value=-200.0)
    for temperature in (1.0, 2.0):
        narrow = bad_teacher.blended(*logits, asked, temperature)
        torch.testing.assert_close(bad_teacher.blended(*wide, asked, temperature), narrow)


def test_bad_teacher_follows_the_teacher_in_charge():
    good, bad = torch.tensor([[2.0, 0.0]]).repeat(2, 1), torch.tensor([[0.0, 3.0]]).repeat(2, 1)
    student = torch.stack([good[0], bad[0]])
    assert bad_teacher.blended(student, good, bad, torch.tensor([0, 1])).item() == 0
    assert bad_teacher.blended(student, good, bad, torch.tensor([1, 0])).item() > 1

"""A mask changes one number."""

import torch

import kit


def test_logit_mask_changes_one_number(original, task):
    masked = kit.unlearn("logit_mask", original, task).model
    changed = sum((p != q).sum().item() for p, q in zip(
        original.parameters(), masked.parameters(), strict=True))  # fmt: skip
    assert changed == 1
    others = [0, 2, 3]
    assert torch.equal(
        kit.predict(masked, task.test)[:, others], kit.predict(original, task.test)[:, others]
    )

"""Whether a mask covers the feature, by hand."""

import pytest
import torch
from torch import nn

import kit
from kit.datasets.toy import toy_data
from kit.metrics.feature import masks


class Hole(nn.Module):
    """A filter that blackens known boxes; the images come in order."""

    def __init__(self, boxes):
        super().__init__()
        self.boxes, self.at = boxes, 0

    def mask(self, x):
        rows = self.boxes[self.at : self.at + len(x)]
        self.at += len(x)
        return (~rows)[:, None].float()

    def pixels(self, x):
        return torch.ones_like(x)


def test_mask_quality_by_hand():
    task = kit.tasks.forget_feature(toy_data(size=20), "glyph")
    boxes = task.boxes()
    exact = masks.mask_quality(Hole(boxes), task)
    assert exact["mask_iou"] == exact["energy_in_box"] == 1 and exact["collateral"] == 0
    assert exact["removed"] == pytest.approx(25 / 400)
    everything = masks.mask_quality(Hole(torch.ones_like(boxes)), task)
    assert everything["mask_iou"] == pytest.approx(25 / 400)
    assert everything["energy_in_box"] == pytest.approx(25 / 400)
    with pytest.raises(ValueError, match="everywhere"):
        masks.mask_quality(Hole(boxes), kit.tasks.forget_feature(toy_data(size=20), "tint"))

"""Grad-CAM points at the evidence."""

import pytest


def test_grad_cam(original, task):
    from kit.metrics.inside.gradcam import grad_cam

    x = task.test_forget.inputs()[:3]
    maps = grad_cam(original, x, target=1)
    assert maps.shape == (3, 12, 12) and maps.min() >= 0 and maps.max() <= 1
    # Class 1 is the bright quadrant at the top right; the evidence lies there.
    assert maps[:, :6, 6:].mean() > maps[:, 6:, :6].mean()
    with pytest.raises(ValueError, match="0..3"):
        grad_cam(original, x, target=4)
    with pytest.raises(ValueError, match="stage1"):
        grad_cam(original, x, target=1, stage="stage9")

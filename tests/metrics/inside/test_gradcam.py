"""Grad-CAM points at the evidence."""

import pytest
import torch
from torch import nn

import kit
from kit.metrics.inside.gradcam import grad_cam


def test_grad_cam(original, task):
    x = task.test_forget.inputs()[:3]
    maps = grad_cam(original, x, target=1)
    assert maps.shape == (3, 12, 12) and maps.min() >= 0 and maps.max() <= 1
    # Class 1 is the bright quadrant at the top right; the evidence lies there.
    assert maps[:, :6, 6:].mean() > maps[:, 6:, :6].mean()
    with pytest.raises(ValueError, match="0..3"):
        grad_cam(original, x, target=4)
    with pytest.raises(ValueError, match="stage1"):
        grad_cam(original, x, target=1, stage="stage9")


def test_frozen_networks_and_modes(original, task):
    """The same maps; nothing is left in another mode, or with gradients."""
    x = task.test_forget.inputs()[:2]
    maps = grad_cam(original, x, target=1)
    frozen = kit.models.build("resnet8", task, width=8)
    frozen.load_state_dict(original.state_dict())
    frozen.requires_grad_(False).train()
    with torch.no_grad():
        torch.testing.assert_close(grad_cam(frozen, x, target=1), maps)
    assert frozen.training and all(p.grad is None for p in frozen.parameters())
    with pytest.raises(ValueError, match="no images"):
        grad_cam(original, x[:0], target=1)


@pytest.mark.parametrize(("name", "options"), [("vit", {"width": 16, "depth": 3}), ("lenet", {})])
def test_the_deepest_stage_that_gives_maps_is_chosen(data, name, options):
    """LeNet ends in a vector; behind the last block of a ViT the class token alone counts."""
    model = kit.models.build(name, data, **options)
    x = torch.randn(2, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    maps = grad_cam(model, x, target=1)
    assert maps.shape == (2, 12, 12) and maps.max() > 0.9
    torch.testing.assert_close(maps, grad_cam(model, x, target=1, stage=model.stages[-2]))
    with pytest.raises(ValueError, match="no maps|does not depend on its maps: choose an earlier"):
        grad_cam(model, x, target=1, stage=model.stages[-1])


def test_maps_whose_channels_come_last(data):
    """The same evidence as in a network that does the same with channels in front."""

    class Last(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1)

    class First(nn.Module):
        def forward(self, x):
            return x.permute(0, 3, 1, 2)

    def net(*between):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, 2), *between, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)
        )

    x = torch.randn(2, 1, 12, 12)
    plain = kit.models.wrap(net, data)
    turned = kit.models.wrap(lambda: net(Last(), nn.Identity(), First()), data)
    torch.testing.assert_close(
        grad_cam(turned, x, 1, stage="net.2"), grad_cam(plain, x, 1, stage="net.0")
    )


def test_networks_that_were_not_wrapped_or_stages_without_tensors(data):
    with pytest.raises(ValueError, match="kit.models.wrap"):
        grad_cam(nn.Linear(1, 1), torch.zeros(1, 1, 12, 12), 0)

    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pair, self.head = nn.Conv2d(1, 4, 3, 2), Pair(), nn.Linear(4, 4)

        def forward(self, x):
            return self.head(self.pair(self.conv(x))[0].mean((2, 3)))

    with pytest.raises(ValueError, match="stage net.pair: it gives a tuple, not a tensor"):
        grad_cam(kit.models.wrap(Net, data), torch.zeros(1, 1, 12, 12), 0, stage="net.pair")

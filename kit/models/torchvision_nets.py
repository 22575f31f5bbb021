"""torchvision's ResNet-18, MobileNetV2 and ViT, adapted to small images; no pretrained weights.

torchvision takes seconds to import, so each function does it when it is called.
"""

from torch import nn

from kit.models.base import Wrapped
from kit.runtime.checks import one_of

SMALL = 64  # pixels; images up to this size get a stem that does not shrink them


def resnet18(in_channels: int, num_classes: int, image_size: int, stem: str | None = None):
    """ResNet-18. ``stem``: "small" (3x3, stride 1, no pool) or "imagenet"; None: by image size."""
    from torchvision.models import resnet18 as torchvision_resnet18

    net = torchvision_resnet18()
    stem = stem or ("small" if image_size <= SMALL else "imagenet")
    one_of("stem", stem, ("small", "imagenet"))
    if stem == "small":
        net.conv1 = nn.Conv2d(in_channels, 64, 3, padding=1, bias=False)
        net.maxpool = nn.Identity()
    else:
        net.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    net.fc = nn.Identity()
    return Wrapped(net, 512, num_classes, ["layer1", "layer2", "layer3", "layer4"])


def mobilenet_v2(in_channels: int, num_classes: int, image_size: int):
    """MobileNetV2; on small images the first two halvings are left out."""
    from torchvision.models import mobilenet_v2 as torchvision_mobilenet_v2

    net = torchvision_mobilenet_v2()
    stride = 1 if image_size <= SMALL else 2
    first = net.features[0][0]
    first = nn.Conv2d(in_channels, first.out_channels, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(first.weight, mode="fan_out")
    net.features[0][0] = first
    if image_size <= SMALL:
        net.features[2].conv[1][0].stride = (1, 1)
    net.classifier = nn.Identity()
    return Wrapped(net, 1280, num_classes, ["features.6", "features.13", "features.18"])


def vit(in_channels: int, num_classes: int, image_size: int, width: int = 192, depth: int = 6):
    """Vision Transformer; patches of 4 or 7 pixels on small images, of 16 on large ones."""
    from torchvision.models import VisionTransformer

    patch = 16 if image_size > SMALL else next(p for p in (4, 7, 2, 1) if image_size % p == 0)
    net = VisionTransformer(
        image_size=image_size,
        patch_size=patch,
        num_layers=depth,
        num_heads=max(1, width // 64),
        hidden_dim=width,
        mlp_dim=2 * width,
    )
    net.conv_proj = nn.Conv2d(in_channels, width, patch, stride=patch)
    net.heads = nn.Identity()
    return Wrapped(
        net,
        width,
        num_classes,
        [f"encoder.layers.{i}" for i in ("encoder_layer_0", f"encoder_layer_{depth - 1}")],
    )

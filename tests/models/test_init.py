"""Every network: shapes, seeds, features and head, gradients, activations."""

import pytest
import torch

import kit

NAMES = kit.models.names()


TINY = {"allcnn": {"width": 8}, "vit": {"width": 32, "depth": 2}}
TINY |= {name: {"width": 4} for name in NAMES if name.startswith("vgg")}
TINY |= {name: {"width": 4} for name in NAMES if name.startswith("resnet") and name != "resnet18"}


class Shape:
    """What ``build`` needs to know of a task."""

    def __init__(self, in_channels=3, num_classes=7, image_size=32):
        self.in_channels, self.num_classes, self.image_size = in_channels, num_classes, image_size


def build(name, shape=None, **options):
    return kit.models.build(name, shape or Shape(), **TINY.get(name, {}), **options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels, size", [(1, 28), (3, 32)])
def test_forward_is_head_of_features(name, channels, size):
    model = build(name, Shape(in_channels=channels, image_size=size))
    x = torch.randn(2, channels, size, size)
    features = model.features(x)
    assert model(x).shape == (2, 7) and features.shape == (2, model.head.in_features)
    assert torch.equal(model(x), model.head(features))
    assert all(stage in dict(model.named_modules()) for stage in model.stages)


@pytest.mark.parametrize("name", NAMES)
def test_seed_decides_the_weights(name):
    a, b, c = build(name, seed=1), build(name, seed=1), build(name, seed=2)
    again = c.rebuild(1)
    for key, value in a.state_dict().items():
        assert torch.equal(value, b.state_dict()[key])
        assert torch.equal(value, again.state_dict()[key])
    assert not torch.equal(a.head.weight, c.head.weight)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_gets_a_gradient(name):
    model = build(name).train()
    model(torch.randn(4, 3, 32, 32)).square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("name", [n for n in NAMES if n != "vit"])
def test_leaky_relu_in_place_of_relu(name):
    model = build(name, activation="leaky_relu")
    kinds = {type(m) for m in model.modules()}
    assert not kinds & {torch.nn.ReLU, torch.nn.ReLU6} and torch.nn.LeakyReLU in kinds


def test_a_transformer_has_no_relu_to_replace():
    with pytest.raises(ValueError, match="this network has none"):
        build("vit", activation="leaky_relu")


def test_leaky_networks_can_be_linearised():
    """torch.func differentiates them: forward mode equals finite differences."""
    model = build("resnet8", activation="leaky_relu").double()
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    weights = {k: p.detach() for k, p in model.named_parameters()}
    tangent = {k: torch.randn_like(p) for k, p in weights.items()}

    def f(w):
        return torch.func.functional_call(model, w, (x,))

    _, derivative = torch.func.jvp(f, (weights,), (tangent,))
    eps = 1e-7
    step = {k: weights[k] + eps * tangent[k] for k in weights}
    numeric = (f(step) - f(weights)) / eps
    assert torch.allclose(derivative, numeric, rtol=1e-3, atol=1e-4)


def test_published_sizes():
    """Parameter counts of the published networks, BatchNorm included."""
    ten = Shape(num_classes=10)
    count = {n: sum(p.numel() for p in kit.models.build(n, ten).parameters())
             for n in ("resnet20", "resnet56", "resnet18", "allcnn")}  # fmt: skip
    assert count["resnet20"] == 269_722  # He et al.: 0.27 M
    assert count["resnet56"] == 853_018  # 0.85 M
    assert count["resnet18"] == 11_173_962
    assert 1.3e6 < count["allcnn"] < 1.5e6  # Springenberg et al.: about 1.4 M


def test_stem_follows_the_image_size():
    assert build("resnet18").backbone.conv1.stride == (1, 1)
    assert build("resnet18", Shape(image_size=224)).backbone.conv1.stride == (2, 2)
    assert build("resnet18", stem="imagenet").backbone.conv1.kernel_size == (7, 7)


def test_refuses():
    with pytest.raises(ValueError, match="unknown model 'resnet9'.*resnet8"):
        kit.models.build("resnet9", Shape())
    with pytest.raises(ValueError, match="does not take.*depth"):
        kit.models.build("allcnn", Shape(), depth=3)
    with pytest.raises(ValueError, match="leaky_relu"):
        kit.models.build("resnet8", Shape(), activation="gelu")
    with pytest.raises(ValueError, match="imagenet"):
        kit.models.build("resnet18", Shape(), stem="huge")

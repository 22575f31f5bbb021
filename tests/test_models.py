"""Every network: shapes, seeds, features and head, gradients, activations."""

from functools import partial

import pytest
import torch

import kit
from kit.parts.mixed_linear import MixedLinear

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


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("vit", "mobilenet_v2")])
def test_leaky_relu_in_place_of_relu(name):
    model = build(name, activation="leaky_relu")
    kinds = [type(m) for m in model.modules()]
    assert torch.nn.ReLU not in kinds and torch.nn.LeakyReLU in kinds


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


# --- torchvision's networks from a file


@pytest.fixture(scope="module")
def colours():
    """Images whose class is their colour."""
    draw = torch.Generator().manual_seed(0)
    y = torch.arange(3).repeat_interleave(40)
    x = 0.4 * torch.rand(120, 3, 32, 32, generator=draw)
    x[torch.arange(120), y] += 0.5
    return kit.datasets.from_tensors("colours", x, y, x[::4], y[::4])


@pytest.fixture
def file(tmp_path):
    from torchvision.models import resnet18

    torch.manual_seed(0)
    torch.save(resnet18(num_classes=3).state_dict(), tmp_path / "network.pt")
    return tmp_path / "network.pt"


def test_a_network_from_a_file_is_torchvisions(colours, file):
    from torchvision.models import resnet18
    from torchvision.transforms.v2.functional import normalize

    model = kit.models.load_pretrained("resnet18", file, colours)
    plain = resnet18(num_classes=3).eval()
    plain.load_state_dict(torch.load(file, weights_only=True))
    task = kit.tasks.forget_classes(colours, [0])
    x = task.test.x / 255
    theirs = plain(normalize(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    ours = model(task.test.inputs())
    assert torch.allclose(ours, theirs, atol=1e-4)
    assert torch.allclose(model.head(model.features(task.test.inputs())), ours, atol=1e-6)
    assert list(model.net.state_dict()) == list(plain.state_dict())
    assert model.head is model.net.fc and model.stages[-1] == "net.layer4"


def test_a_file_is_loaded_forgets_and_is_saved(colours, file):
    from torchvision.models import resnet18

    task = kit.tasks.forget_classes(colours, [0])
    model = kit.models.load_pretrained("resnet18", file, task)
    kit.fit(model, task.train, kit.Recipe(epochs=6, batch_size=20, lr=0.02, bf16=False))
    kit.models.save_pretrained(model, file)
    again = kit.models.load_pretrained("resnet18", file, task)
    before = kit.evaluate(again, task)
    out = kit.unlearn("erwp", again, task, amount="50 %", count="fixed", lr=1e-3)
    after = kit.evaluate(out.model, task)
    kit.models.save_pretrained(out.model, file)
    assert before["forget_accuracy"] > 0.9 and before["retain_accuracy"] > 0.9
    assert after["forget_accuracy"] <= 0.05
    assert after["retain_accuracy"] > 0.9
    plain = resnet18(num_classes=3)
    plain.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(plain.fc.weight, out.model.head.weight.cpu())
    assert not list(file.parent.glob("*.tmp"))


def test_pretrained_core_for_other_classes(colours, tmp_path):
    """ImageNet's weights, say: a new head that is not zero, leaky, and what it linearises to."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    torch.save(resnet18(num_classes=7).state_dict(), tmp_path / "seven.pt")
    load = partial(kit.models.load_pretrained, "resnet18", tmp_path / "seven.pt", colours)
    core = load(new_head=0, activation="leaky_relu")
    assert core.head.weight.shape == (3, 512) and core.head.weight.abs().sum() > 0
    assert torch.equal(core.head.weight, load(new_head=0).head.weight)
    assert not torch.equal(core.head.weight, load(new_head=1).head.weight)
    assert not any(isinstance(m, torch.nn.ReLU) for m in core.modules())
    task = kit.tasks.forget_samples(colours, range(10))
    model = MixedLinear(core, layers=["net.layer4", "net.fc"], penalty=0.1)
    assert model.linear.below(task.test.inputs()[:2])[0].shape[1] == 256  # what layer4 reads
    with torch.no_grad():
        before = model.loss(task.train).misfit(model.user)
        model.learn(task.train, max_steps=10)
        assert model.loss(task.train).misfit(model.user) < 0.5 * before
    with pytest.raises(ValueError, match="does not hold a resnet18 for 3 classes"):
        load()
    with pytest.raises(ValueError, match="activation must be"):
        load(new_head=0, activation="tanh")


def test_refuses_files_that_cannot_work(colours, file, tmp_path):
    from torchvision.models import squeezenet1_1

    load = kit.models.load_pretrained
    with pytest.raises(FileNotFoundError, match="absent.pt is not there"):
        load("resnet18", tmp_path / "absent.pt", colours)
    with pytest.raises(ValueError, match="no network 'resnet19'; close: .*resnet18"):
        load("resnet19", file, colours)
    with pytest.raises(ValueError, match="does not hold a resnet50 for 3 classes"):
        load("resnet50", file, colours)
    two = [t[:80] for t in (colours.train_x, colours.train_y)]
    two += [t[:20] for t in (colours.test_x, colours.test_y)]
    with pytest.raises(ValueError, match="does not hold a resnet18 for 2 classes"):
        load("resnet18", file, kit.datasets.from_tensors("two", *two))
    grey = kit.datasets.load("fashion-mnist-mini")
    with pytest.raises(ValueError, match="RGB images, those of fashion-mnist-mini have 1"):
        load("resnet18", file, grey)
    torch.save(squeezenet1_1(num_classes=3).state_dict(), tmp_path / "squeeze.pt")
    with pytest.raises(ValueError, match="does not end in a linear layer"):
        load("squeezenet1_1", tmp_path / "squeeze.pt", colours)
    torch.save({"model": torch.nn.Linear(1, 1)}, tmp_path / "code.pt")
    with pytest.raises(ValueError, match="does not hold plain tensors"):
        load("resnet18", tmp_path / "code.pt", colours)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="does not hold a resnet18"):
        load("resnet18", tmp_path / "list.pt", colours)

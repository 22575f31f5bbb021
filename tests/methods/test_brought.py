"""Networks of other libraries, trained by a plain loop: forgotten, saved, and loaded without the
kit, with the same answers."""

import json

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

import kit

METHODS = ("ssd", "finetune", "scrub", "salun", "bad_teacher")
CONFIG = {
    "architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 48,
    "intermediate_size": 96, "num_attention_heads": 3, "num_hidden_layers": 3, "patch_size": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def task():
    data = kit.datasets.load("caltech-mini").thinned(0.2)  # 64 px, 6 pictures a class
    return kit.tasks.forget_classes(data, "pizza")


def trained_elsewhere(make, data):
    """A few steps of a loop that knows nothing of the kit."""
    torch.manual_seed(0)
    net = make()
    mean, std = (s.view(1, 3, 1, 1) for s in data.statistics)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    x = (data.train_x / 255 - mean) / std
    for _ in range(3):
        said = net(x)
        loss = cross_entropy(getattr(said, "logits", said), data.train_y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torchvision:resnet18", "timm:vit_tiny_patch16_224", "hf:FOLDER"])
def test_round_trip(name, task, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    make = kit.models.maker(name.replace("FOLDER", str(tmp_path)), task)
    net = trained_elsewhere(make, task.data)
    before = kit.models.wrap(make, task, state=net.state_dict())
    x = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))

    def answers(model):
        with torch.no_grad():
            said = model.cpu()(x)
        return getattr(said, "logits", said)

    assert torch.allclose(answers(before), answers(net), atol=1e-5)
    for method in METHODS:
        amount = {"amount": "50 %"} if method == "bad_teacher" else {}
        out = kit.unlearn(method, before, task, **amount)
        file = tmp_path / f"{method}.safetensors"
        kit.models.save_pretrained(out.model, file)
        plain = make().eval()
        plain.load_state_dict(load_file(file))
        assert torch.allclose(answers(plain), answers(out.model), atol=1e-5), method
        assert not torch.allclose(answers(plain), answers(net), atol=1e-5) or method == "ssd"

"""Your own pictures and your own network, as ``how_to_use`` and the README say."""

import re
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

import kit
from tests.conftest import ROOT


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Three classes of small pictures in folders, in the working directory."""
    generator = torch.Generator().manual_seed(0)
    for part, count in (("train", 12), ("test", 4)):
        for c, name in enumerate(("cat", "dog", "owl")):
            folder = tmp_path / "my_pictures" / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = torch.randint(0, 120, (20, 20, 3), generator=generator, dtype=torch.uint8)
                pixels[:, :, c] += 100
                Image.fromarray(pixels.numpy()).save(folder / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIT_CACHE", str(tmp_path / "models"))
    return kit.datasets.from_folder("my_pictures", image_size=32)


def snippet(word: str) -> str:
    """The Python block of ``how_to_use`` in which a word stands."""
    blocks = re.findall(r"```python\n([\s\S]*?)```", (ROOT / "book" / "how_to_use.md").read_text())
    (found,) = [block for block in blocks if word in block]
    return found


@pytest.mark.slow
def test_the_page_runs_as_it_is_printed(pictures, monkeypatch):
    """With fewer epochs and smaller images; a dozen lines at most."""
    code = snippet("models.wrap")
    assert len(code.strip().splitlines()) <= 10
    code = code.replace("epochs=20", "epochs=1").replace("image_size=64", "image_size=32")
    code = code.replace("seeds=3", "seeds=1, root=__import__('pathlib').Path('records'), "
                        "audits='fast', recipe=kit.Recipe(epochs=1)")  # fmt: skip
    names = {"kit": kit}
    exec(code, names)
    assert type(names["out"].model.net).__name__ == "ResNet"
    assert len(list(Path("records").glob("mine_*.json"))) == 4


def small(width: int = 3) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(32, width),
    )  # fmt: skip


def test_a_network_of_ones_own_serves_every_method(pictures):
    task = kit.tasks.forget_classes(pictures, [0])
    model = kit.models.wrap(small, task, seed=3)
    assert torch.equal(model.net[0].weight, kit.models.wrap(small, task, seed=3).net[0].weight)
    kit.fit(model, task.train, kit.Recipe(epochs=3, batch_size=12))
    x = task.test.inputs()
    torch.testing.assert_close(model(x), model.head(model.features(x)))
    for name in kit.methods.names("class"):
        if kit.methods.get(name).takes is nn.Module:
            options = {"amount": "50 %"} if name in ("erwp", "bad_teacher") else {}
            options = {"epsilon": 1.0} if name == "boundary_shrink" else options
            out = kit.unlearn(name, model, task, **options)
            assert set(out.model.net.state_dict()) == set(small().state_dict())


@pytest.fixture
def task(pictures):
    return kit.tasks.forget_classes(pictures, [0])


def test_the_owners_network_stays_out_of_it(task):
    net = small()
    before = [p.clone() for p in net.parameters()]
    model = kit.models.wrap(lambda: net, task)
    kit.fit(model, task.train, kit.Recipe(epochs=1, batch_size=12))
    assert all(torch.equal(p, q) for p, q in zip(before, net.parameters(), strict=True))
    with pytest.raises(ValueError, match="state="):
        kit.unlearn("retrain", model, task)
    with pytest.raises(ValueError, match="state="):
        kit.unlearn("bad_teacher", model, task, amount="50 %")
    with pytest.raises(ValueError, match="state="):
        kit.metrics.zrf(model, task.test)
    assert all(p.requires_grad for p in model.parameters())


def test_weights_of_ones_own_and_fresh_ones(task, tmp_path):
    trained = small().state_dict()
    torch.save(trained, tmp_path / "net.pt")
    for state in (trained, tmp_path / "net.pt"):
        model = kit.models.wrap(small, task, state=state)
        assert all(torch.equal(v, trained[k]) for k, v in model.net.state_dict().items())
        assert not torch.equal(model.rebuild(1).net[0].weight, trained["0.weight"])


def test_normalisation_of_ones_own(task):
    net = small()
    pixels = task.test.x.float() / 255
    for mean, std in (([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]), ((0, 0, 0), (1, 1, 1))):
        model = kit.models.wrap(lambda: net, task, mean=mean, std=std)
        theirs = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
        torch.testing.assert_close(model(task.test.inputs()), net.eval()(theirs))
        torch.testing.assert_close(model.head(model.features(task.test.inputs())), net(theirs))
    for wrong, sentence in (
        ({"mean": [0.5] * 3}, "belong together"),
        ({"mean": [0.5], "std": [0.2]}, "each of 3 channels"),
        ({"mean": [0.5] * 3, "std": [0.2, 0, 0.2]}, "std must be positive"),
    ):
        with pytest.raises(ValueError, match=sentence):
            kit.models.wrap(small, task, **wrong)


class Answers(nn.Module):
    """Returns its answers within something else."""

    def __init__(self, within):
        super().__init__()
        self.inner, self.within = small(), within

    def forward(self, x):
        return self.within(self.inner(x), self.training)


Named = namedtuple("Named", "logits aux")


@pytest.mark.parametrize(
    "within",
    [
        lambda y, training: {"logits": y, "loss": None},
        lambda y, training: Named(y, y),
        lambda y, training: Named(y, y) if training else y,
    ],
)
def test_answers_within_something_larger(task, within):
    model = kit.models.wrap(lambda: Answers(within), task)
    kit.fit(model, task.train, kit.Recipe(epochs=1, batch_size=12))
    assert kit.predict(model, task.test).shape == (len(task.test), 3)
    assert model.stages == ["net.inner.0", "net.inner.1"]


class Lazy(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(3))


class View(nn.Module):
    """``view`` cannot read what lies channels last."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, stride=4), nn.Linear(256, 3)

    def forward(self, x):
        return self.fc(self.conv(x).view(-1, 256))


@pytest.mark.parametrize(
    "make",
    [
        Lazy, View, lambda: nn.DataParallel(small()),
        lambda: torch.compile(small(), backend="eager"),
    ],
)  # fmt: skip
def test_networks_of_odd_kinds_serve(task, make):
    model = kit.models.wrap(make, task)
    kit.fit(model, task.train, kit.Recipe(epochs=1, batch_size=12))
    out = kit.unlearn("finetune", model, task, epochs=1)
    kit.metrics.evaluate(out.model, task, reference=model.rebuild(1), original=model)
    assert not torch.equal(model.rebuild(1).head.weight, model.rebuild(2).head.weight)


def test_view_keeps_the_images_contiguous(task):
    assert kit.models.wrap(View, task).memory_format == torch.contiguous_format
    assert kit.models.wrap(small, task).memory_format == torch.channels_last


def test_batchnorms_that_rest_go_on_resting(task):
    def make():
        net = small().train()
        net[1].eval()
        return net

    model = kit.models.wrap(make, task)
    before = model.net[1].running_mean.clone()
    kit.fit(model, task.train, kit.Recipe(epochs=1, batch_size=12))
    assert torch.equal(model.net[1].running_mean, before)
    assert not torch.equal(
        kit.unlearn("finetune", model, task).model.head.weight, model.head.weight
    )


def test_timm_networks(task):
    import timm  # slow to import

    model = kit.models.wrap(lambda: timm.create_model("resnet10t", num_classes=3), task)
    assert model.features(task.test.inputs()).shape[1] == model.head.in_features


def test_networks_of_transformers(task):
    import transformers  # slow to import

    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        image_size=32, patch_size=8, num_labels=3,
    )  # fmt: skip
    model = kit.models.wrap(lambda: transformers.ViTForImageClassification(config), task)
    x = task.test.inputs()
    torch.testing.assert_close(model(x), model.head(model.features(x)))
    assert model.features(x).shape == (len(x), 16) and len(model.stages) > 1


def chatty():
    return Answers(lambda y, training: (y, y))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: small(5), "3 classes: make it with that many"),
        (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4, 3)), "cannot take"),
        (lambda: nn.Conv2d(3, 3, 32), "3 classes: make it with that many"),
        (lambda: small().half(), "weights in torch.float16: convert it with .float"),
        (lambda: small().double(), "weights in torch.float64"),
        (chatty, "returns a tuple without logits: let its forward return"),
        (nn.Flatten, "no parameters"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(task, make, message):
    with pytest.raises(ValueError, match=message):
        kit.models.wrap(make, task)

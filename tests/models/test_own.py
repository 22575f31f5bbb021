"""Your own pictures and your own network, as ``how_to_use`` and the README say."""

import re
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


def test_timm_networks(pictures):
    timm = pytest.importorskip("timm", reason="timm is not installed")
    task = kit.tasks.forget_classes(pictures, [0])
    model = kit.models.wrap(lambda: timm.create_model("resnet10t", num_classes=3), task)
    assert model.features(task.test.inputs()).shape[1] == model.head.in_features


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: small(5), "3 classes: make it with that many"),
        (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4, 3)), "cannot take"),
        (lambda: nn.Conv2d(3, 3, 32), "does not end in a linear layer"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(pictures, make, message):
    with pytest.raises(ValueError, match=message):
        kit.models.wrap(make, kit.tasks.forget_classes(pictures, [0]))

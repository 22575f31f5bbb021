"""torchvision's networks from a file, and back into one."""

from functools import partial

import pytest
import torch

import kit
from kit.parts.mixed_linear import MixedLinear


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


@pytest.mark.slow
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


@pytest.mark.slow
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

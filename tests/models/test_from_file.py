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
    torch.save({"model": torch.nn.Linear(1, 1)}, tmp_path / "code.pt")
    with pytest.raises(ValueError, match="does not hold plain tensors"):
        load("resnet18", tmp_path / "code.pt", colours)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="list.pt is a list, not a state dict"):
        load("resnet18", tmp_path / "list.pt", colours)
    with pytest.raises(ValueError, match="only networks from load_pretrained or wrap"):
        kit.models.save_pretrained(kit.models.build("cnn", colours, width=2), tmp_path / "own.pt")


def test_a_wrong_file_is_named_in_one_line(colours, file):
    for name in ("resnet50", "vgg11"):
        with pytest.raises(ValueError, match=r"\d+ missing \(.*\); ") as error:
            kit.models.load_pretrained(name, file, colours)
        assert len(str(error.value)) < 600 and "\n" not in str(error.value)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model."])
@pytest.mark.parametrize("new_head", [None, 1])
def test_files_of_training_scripts(colours, file, prefix, new_head):
    """Of five classes where the head is new: how many is read off the file."""
    from torchvision.models import resnet18

    state = resnet18(num_classes=3 if new_head is None else 5).state_dict()
    torch.save({"state_dict": {f"{prefix}{n}": t for n, t in state.items()}, "epoch": 3}, file)
    model = kit.models.load_pretrained("resnet18", file, colours, new_head=new_head)
    assert torch.equal(model.net.conv1.weight, state["conv1.weight"])
    assert model.head.out_features == 3


def test_a_head_that_is_a_convolution(colours, tmp_path):
    """SqueezeNet's answers are a convolution, a ReLU and an average."""
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    torch.save(squeezenet1_1(num_classes=3).state_dict(), tmp_path / "squeeze.pt")
    load = partial(kit.models.load_pretrained, "squeezenet1_1", tmp_path / "squeeze.pt", colours)
    task = kit.tasks.forget_classes(colours, [0])
    model, x = load(), task.test.inputs()[:4]
    torch.testing.assert_close(model.head(model.features(x)), model(x), rtol=1e-4, atol=1e-5)
    renewed = load(new_head=1)
    assert renewed(x).shape == (4, 3)
    assert not torch.equal(renewed.head.weight, model.head.weight)


def test_mobilenet_becomes_leaky_and_densenet_says_why_not(colours, tmp_path):
    from torchvision.models import get_model

    def leaky(name):
        torch.save(get_model(name, num_classes=3).state_dict(), tmp_path / "net.pt")
        return kit.models.load_pretrained(
            name, tmp_path / "net.pt", colours, activation="leaky_relu"
        )

    kinds = {type(m) for m in leaky("mobilenet_v2").modules()}
    assert torch.nn.LeakyReLU in kinds and torch.nn.ReLU6 not in kinds
    with pytest.raises(ValueError, match="densenet121 also calls relu as a function"):
        leaky("densenet121")


def test_images_of_a_size_that_the_network_cannot_take(colours, tmp_path):
    from torchvision.models import vit_b_32

    torch.save(vit_b_32(num_classes=3).state_dict(), tmp_path / "vit.pt")
    with pytest.raises(ValueError, match=r"vit_b_32 cannot take images of shape \(3, 32, 32\)"):
        kit.models.load_pretrained("vit_b_32", tmp_path / "vit.pt", colours)

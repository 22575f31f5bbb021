"""Silent channels are taken out and nothing else changes."""

import pytest
import torch
from torch import nn

import kit
from kit.methods import class_pruning as cp
from kit.models.channels import batchnorms_of, gates_of, multiply_adds, remove_silent
from kit.models.hooks import caught


@pytest.mark.parametrize(
    ("name", "options"),
    [("resnet8", {}), ("vgg11", {"width": 8}), ("lenet", {}), ("mobilenet_v2", {})],
)
def test_removal_gives_the_masked_network_s_logits(name, options):
    data = kit.datasets.load("fashion-mnist-mini")
    task = kit.tasks.forget_classes(data, [9])
    model = kit.models.build(name, task, **options)
    x = task.test.take(torch.arange(0, 2000, 100)).inputs()
    model.train()(x)  # BatchNorm's statistics are no longer 0 and 1
    few = task.train.per_class(3, seed=0)
    chosen = cp.choose(cp.class_means(model.eval(), few), 9, cp.Config(share=0.2), 0)
    cp.silence(model, chosen)
    small = remove_silent(model, x)
    with torch.no_grad():
        assert torch.allclose(small(x), model.cpu()(x), atol=1e-5)
    count = [sum(p.numel() for p in m.parameters()) for m in (model, small)]
    assert count[1] < 0.95 * count[0]
    assert multiply_adds(small, x) < 0.97 * multiply_adds(model, x)


def test_multiply_adds_by_hand():
    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3, bias=False), torch.nn.Flatten(), torch.nn.Linear(3 * 4, 5)
    )
    assert multiply_adds(model, torch.zeros(7, 2, 4, 4)) == 3 * 4 * (2 * 9) + 5 * 12


# --- which norm belongs to which convolution, and whether what is pruned is silent


def conv(inputs, outputs, size=3, **options):
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, **options)


class Plain(nn.Module):
    """Two convolutions and their norms, defined in another order than they are used."""

    def __init__(self, norm=nn.BatchNorm2d, **options):
        super().__init__()
        self.conv1, self.conv2 = conv(3, 8), conv(8, 8, **options)
        self.norm1, self.norm2 = norm(8), norm(8)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = self.norm1(self.conv1(x)).relu()
        return self.fc(self.norm2(self.conv2(x)).relu().mean((2, 3)))


class PreActivation(nn.Module):
    """A norm that reads a sum belongs to no convolution."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv1, self.conv2 = conv(3, 8), conv(8, 8), conv(8, 8)
        self.norm1, self.norm2, self.last = (nn.BatchNorm2d(8) for _ in range(3))
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.conv2(self.norm2(self.conv1(self.norm1(x).relu())).relu())
        return self.fc(self.last(x).relu().mean((2, 3)))


class Gated(nn.Module):
    """Squeeze and excitation by 1x1 convolutions."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = conv(3, 8), nn.BatchNorm2d(8)
        self.squeeze, self.excite, self.fc = conv(8, 2, 1), conv(2, 8, 1), nn.Linear(8, 3)

    def forward(self, x):
        x = self.norm(self.conv(x)).relu()
        gate = self.squeeze(x.mean((2, 3), keepdim=True)).relu()
        return self.fc((x * self.excite(gate).sigmoid()).mean((2, 3)))


class Shared(nn.Module):
    """One convolution used twice, each time behind its own norm."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv, self.fc = conv(3, 8), conv(8, 8), nn.Linear(8, 3)
        self.norm1, self.norm2 = nn.BatchNorm2d(8), nn.BatchNorm2d(8)

    def forward(self, x):
        x = self.norm1(self.conv(self.stem(x))).relu()
        return self.fc(self.norm2(self.conv(x)).relu().mean((2, 3)))


class ChannelsLast(nn.Module):
    """LayerNorm over channels that were moved to the end, as in ConvNeXt."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.fc = conv(3, 8), nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.norm(self.conv(x).relu().permute(0, 2, 3, 1)).mean((1, 2)))


def normed(how, which="conv2"):
    def make():
        net = Plain()
        how(getattr(net, which))
        return net

    return make


NETWORKS = {
    "plain": Plain,
    "no bias": lambda: Plain(bias=False),
    "GroupNorm": lambda: Plain(lambda width: nn.GroupNorm(2, width)),
    "InstanceNorm": lambda: Plain(nn.InstanceNorm2d),
    "InstanceNorm with weights": lambda: Plain(lambda w: nn.InstanceNorm2d(w, affine=True)),
    "depthwise": lambda: Plain(groups=8),
    "pre-activation": PreActivation,
    "squeeze and excitation": Gated,
    "used twice": Shared,
    "LayerNorm": ChannelsLast,
    "weight norm": normed(nn.utils.parametrizations.weight_norm),
    "weight norm of old": normed(nn.utils.weight_norm),
    "spectral norm": normed(nn.utils.parametrizations.spectral_norm),
    "no norm": lambda: Plain(lambda width: nn.Identity()),
}


def colours():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(3).repeat(10)
    x = torch.randint(0, 120, (30, 3, 12, 12), generator=generator, dtype=torch.uint8)
    x[torch.arange(30), y] += 100
    return kit.tasks.forget_classes(kit.datasets.from_tensors("colours", x, y, x, y), [0])


@pytest.mark.filterwarnings("ignore::FutureWarning")  # weight norm of old
@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_pruned_is_silent_and_can_be_left_out(network):
    task = colours()
    model = kit.models.wrap(NETWORKS[network], task)
    kit.fit(model, task.train, kit.Recipe(epochs=2, batch_size=10, lr=0.05))
    out = kit.unlearn("class_pruning", model, task, share=0.4, epochs=1)
    norms, x = batchnorms_of(model), task.test.inputs()
    pruned = {}
    for name in out.history["pruned_0"]:
        layer, channel = name.split(":")
        pruned.setdefault(norms.get(layer, layer), []).append(int(channel))
    assert pruned
    for layer, rows in pruned.items():
        with caught(out.model, layer) as said:
            out.model(x)
        assert not said[0][:, rows].any()
    torch.testing.assert_close(remove_silent(out.model, x)(x), out.model(x), rtol=1e-3, atol=1e-4)


def test_norms_are_found_by_the_flow_of_the_data():
    assert batchnorms_of(Plain()) == {"conv1": "norm1", "conv2": "norm2"}
    assert batchnorms_of(PreActivation()) == {"conv1": "norm2"}
    assert batchnorms_of(Gated()) == {"conv": "norm"}
    assert batchnorms_of(Shared()) == batchnorms_of(ChannelsLast()) == {}
    heard = []
    net = Plain()
    net.norm1.register_forward_hook(lambda *_: heard.append(1))
    batchnorms_of(net)
    assert not heard


def test_gates_are_left_alone():
    task = colours()
    assert gates_of(Gated(), task.test.inputs()) == {"excite"}
    assert not gates_of(Plain(), task.test.inputs())
    model = kit.models.wrap(Gated, task)
    history = kit.unlearn("class_pruning", model, task, share=0.5, epochs=0).history
    layers = {name.split(":")[0] for name in history["pruned_0"]}
    assert layers == {"net.conv", "net.squeeze"}


@pytest.mark.parametrize("norm", [
    lambda width: nn.BatchNorm2d(width, affine=False),
    lambda width: nn.GroupNorm(2, width, affine=False),
])  # fmt: skip
def test_a_norm_that_cannot_be_silenced_is_refused(norm):
    task = colours()
    model = kit.models.wrap(lambda: Plain(norm), task)
    with pytest.raises(ValueError, match="cannot be made to emit 0"):
        kit.unlearn("class_pruning", model, task, share=0.4)
    assert kit.unlearn("class_pruning", model, task, share=0.4, batchnorm="kept", epochs=1)


def test_frozen_layers_are_silenced_by_their_norms_or_not_at_all():
    def make(*names):
        net = Plain()
        for name in names:
            net.get_submodule(name).requires_grad_(False)
        return net

    task = colours()
    model = kit.models.wrap(lambda: make("conv1"), task)
    out = kit.unlearn("class_pruning", model, task, share=0.4, epochs=1)
    assert torch.equal(out.model.net.conv1.weight, model.net.conv1.weight)
    assert {name.split(":")[0] for name in out.history["pruned_0"]} == {"net.conv1", "net.conv2"}
    model = kit.models.wrap(lambda: make("conv1", "norm1", "norm2"), task)
    with pytest.raises(ValueError, match="all of them are frozen"):
        kit.unlearn("class_pruning", model, task)
